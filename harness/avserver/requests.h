/* What avserver --serve holds, and the requests on it. */
#ifndef REQUESTS_H
#define REQUESTS_H

#include "plugin.h"
#include "wire.h"
#include "workers.h"

struct server {
    struct plugin plugin;
    struct workers workers;
    int working; /* workers were started */
};

/* A handler carries out one request and answers it, at once or later. */
typedef void handler(struct server *s, struct request *r, struct reply *reply);

/* serve answers requests until the harness hangs up; it returns then, as a
 * server does whose product died. */
void serve(void);

/* The word at index i, or "" where the request is shorter. */
const char *word(const struct request *r, int i);

/* number_at reads a number that must be there, or answers with an error. */
int number_at(const struct request *r, int i, unsigned *number, struct reply *reply);

/* Lifecycle: lifecycle.c */
handler do_load, do_set, do_options, do_init, do_workers, do_scan, do_stop, do_close, do_unload;
/* Single calls with any argument, here and in a forked child, and programs: call.c, fork.c */
handler do_call, do_fork, do_run;
/* What the process looks like: state.c */
handler do_state, do_thread_state;
/* Many scans: loops.c, churn.c */
handler do_stacks, do_loop, do_pace, do_busy, do_calm, do_scanned, do_churn, do_cancel;
/* Signals: storm.c */
handler do_handler, do_raise, do_storm;
/* The end of the process: end.c. Files that the plugin should not touch: standard.c */
handler do_end, do_close_standard, do_check_standard;
/* The log callback: logging.c */
handler do_marker, do_reentrant, do_crash_in_log;

#endif
