/* One call of plugin_thread_test_file, with everything the host looks at. */
#ifndef SCAN_H
#define SCAN_H

#include "plugin.h"

/* The real host's vi_size. */
#define VI_SIZE 256
/* The largest vi_size that a scan can be asked for. */
#define VI_MAX 4096

struct scan {
    const char *path;
    const char *realname; /* may be NULL */
    unsigned vi_size;

    int verdict;             /* as returned, whatever it is; SCAN_NO_CONTEXT */
    char text[VI_MAX + 1];   /* vir_info, always terminated here */
    int unterminated;        /* vir_info had no NUL within vi_size */
    unsigned overrun;        /* bytes changed before or behind vir_info */
    unsigned long long ns;   /* time that the call took */
};

/* The verdict of a scan whose thread got no context from plugin_thread_init. */
#define SCAN_NO_CONTEXT (-1)

/* scan_file calls the plugin with a vir_info inside a field of canaries. */
void scan_file(const struct plugin *p, void *context, struct scan *s);

#endif
