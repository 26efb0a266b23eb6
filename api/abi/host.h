/*
 * What the C files of this package share. Each answers one hazard of a Go
 * runtime inside somebody else's daemon; docs/vendor.md lists them.
 */
#ifndef AVIR_HOST_H
#define AVIR_HOST_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "avApi.h"

/* fork.c: is this process a forked child, in which Go must not be entered? */
void avir_fork_watch(void);
int avir_in_child(void);

/* thread.c: what is kept for one host thread until it ends. */
struct avir_thread {
    void *stack;    /* the alternate signal stack that we gave it, or NULL */
    stack_t before; /* what it had instead */
    int bound;      /* has entered Go before, and Go has not let go of it */
    int logging;    /* calls of the host's log callback on this thread's stack */
    int farewells;  /* rounds of thread-end destructors seen */
};
struct avir_thread *avir_this_thread(void); /* NULL when there is no memory */

/* entry.c: around each call into Go. */
struct avir_entry {
    int cancel_state;
    sigset_t mask;
};
int avir_enter(struct avir_entry *entry); /* 0: don't enter, don't leave */
void avir_leave(const struct avir_entry *entry);

/* signals.c */
void avir_block_signals(sigset_t *old);
void avir_drop_broken_pipe(const sigset_t *host);
void avir_handlers_on_stack(void);

/* gothread.c, stack.c: once, before Go starts. */
void avir_find_pthread_create(void);
void avir_find_pthread_attr_getstacksize(void);

/* stacksize.c: of each thread that Go makes, in bytes. Weak: a plugin may define it. */
extern const size_t avir_go_stack_size __attribute__((visibility("hidden")));

/* start.c: Go's side calls this when its packages below this one are ready. */
void avir_go_is_ready(void);

/* log.c: the gate in front of the host's log callback. */
void avir_log_open(AV_LOG_CALLBACK_NEW callback);
void avir_log_close(void);
void avir_log_write(AV_LOG_CALLBACK_NEW callback, const char *text);

/* wait.c: polls done every millisecond; returns whether it came true in time. */
int avir_wait(int (*done)(void), int milliseconds);

/* table.c: what get_plugin_info answers; filled once, at registration. */
extern avir_plugin_info avir_info;

#endif
