/*
 * What the C files of this package share. Each file answers one hazard of a
 * Go runtime inside somebody else's daemon; docs/vendor.md lists them.
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

/* Bytes of a file name that are passed on. A longer one can't be opened: Linux takes 4095. */
enum { AVIR_NAME = 4096 };

/* thread.c: what is kept for one thread, of the host or of Go, until it ends. */
struct avir_thread {
    volatile int inside_go;  /* faults on this thread belong to Go, not to the host */
    volatile int runs_go;    /* Go takes its interrupts on this thread: narrower than inside_go */
    volatile int interrupts; /* some of Go's have come while it didn't */
    int bound;               /* has entered Go before, and Go has not let go of it */
    int logging;             /* calls of the host's log callback on this thread's stack */
    int farewells;           /* rounds of thread-end destructors seen */
    char *names;      /* two of AVIR_NAME bytes: copies of a scan's names; NULL before the first scan */
    void *stack;      /* our alternate signal stack, or NULL; sigstack.c has the rest */
    stack_t replaced; /* the host's alternate stack in whose place ours is */
};
struct avir_thread *avir_this_thread(void);  /* NULL when there is no memory */
struct avir_thread *avir_known_thread(void); /* NULL also before the thread's first call; safe in a handler */

/* sigstack.c: a thread's alternate signal stack, on which Go's handlers run. */
void avir_read_frame_size(char **argv, int argc);
void avir_replace_sigstack(struct avir_thread *thread, const stack_t *stack); /* unless it will do */
void avir_return_sigstack(struct avir_thread *thread);
void avir_free_sigstack(struct avir_thread *thread);

/* entry.c: around each call into Go. */
struct avir_entry {
    struct avir_thread *thread;
    int cancel_state;
    int inside_go;
    sigset_t mask;
};
int avir_enter(struct avir_entry *entry); /* 0: don't enter, don't leave */
void avir_leave(const struct avir_entry *entry);

/* signals.c: the mask while Go runs. */
extern sigset_t avir_asynchronous __attribute__((visibility("hidden")));
void avir_make_signal_set(void); /* once, before all others */
void avir_unblock_what_go_needs(const sigset_t *host);
void avir_drop_broken_pipe(const sigset_t *host);
void avir_handlers_on_stack(void);

/* handlers.c: the signals that Go and the host share. */
void avir_remember_host_handlers(void);
void avir_share_handlers(void);

/* memory.c: the host's memory, which may be missing or come only when it is touched. */
size_t avir_copy(void *to, const void *from, size_t size); /* returns how many bytes it could not copy */
long avir_copy_name(char *to, const char *from);           /* returns the length, at most AVIR_NAME, or -1 */
int avir_is_mapped(const void *address);
uintptr_t avir_after_copy(uintptr_t code); /* where to go on after a fault at this instruction, or 0 */

/* environment.c, addressspace.c: around Go's start. */
void avir_hide_environment(char **argv, int argc);
void avir_unhide_environment(void);
void avir_reserve_host_share(void);
void avir_release_host_share(void);

/* gothread.c, gostacksize.c: once, before Go starts. */
void avir_find_pthread_create(void);
void avir_find_pthread_attr_getstacksize(void);

/* gostacksize_default.c: of each thread that Go makes, in bytes. Weak: a plugin may define it. */
extern const size_t avir_go_stack_size __attribute__((visibility("hidden")));

/* start.c: abi.go calls this when Go has started and no package of the plugin has run yet. */
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
