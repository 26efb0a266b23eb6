/* Signal handlers of the host. */
#ifndef STORM_H
#define STORM_H

/* is_host_handler tells whether a handler is one that this host installed. */
int is_host_handler(void (*handler)(int));

#endif
