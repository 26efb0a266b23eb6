/* A small host for the SDK's tests: each check loads the library afresh. */
#ifndef HOST_H
#define HOST_H

#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "avApi.h"

extern const char *library;
extern avir_plugin_extended_thread_iface *api; /* load() sets it */
extern char last_line[2048];                   /* of the log */
extern volatile int lines, longest;

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                  \
            _exit(1);                                                                                        \
        }                                                                                                    \
    } while (0)

enum { NOT_ALLOWED = 77 }; /* the exit status of a check that this user may not make */

void load(void);
void log_line(const char *format, ...);
void set(const char *name, const char *value);
void *start(void); /* load, init, thread init; returns the context */
int scan(void *context, const char *name);
double seconds(void);
pthread_t spawn(void *(*f)(void *), void *argument, size_t stack);
void *scan_all(void *unused); /* what a thread does: each kind of scan, or one, on a context of its own */
void *scan_once(void *unused);
int is_special(int number); /* a signal that no host uses for itself */

/* calls.c */
void check_nulls(void);
void check_info(void);
void check_noinfo(void);
void check_options(void);
void check_buffers(void);
void check_verdicts(void);
void check_lifecycle(void);
void check_deadline(void);
void check_close(void);
void check_log(void);
/* process.c */
void check_state(void);
void check_limits(void);
void check_fork(void);
void check_cancel(void);
void check_stacks(void);
void check_engine(void);
void check_exit(void);
void check_logclose(void);
void check_descriptors(void);
/* signals.c */
void check_signals(void);
void check_latehandlers(void);
void check_blocked(void);
void check_pipe(void);
void check_handlers(void);
/* pages.c */
void check_pages(void);
void check_missing(void);
void check_endless(void);
/* handlers.c */
void check_urgent(void);
void check_fates(void);
void check_logcrash(void);
/* altstack.c */
void check_altstack(void);
void check_largeframe(void);
void check_stacksfreed(void);
/* programs.c */
void check_programs(void);
/* threads.c */
void check_refused(void);
void check_farewell(void);
void check_smallstack(void);
void check_realtime(void);

#endif
