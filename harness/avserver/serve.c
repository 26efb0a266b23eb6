#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>

#include "log.h"
#include "number.h"
#include "requests.h"

static handler do_slot;

/* Where a request runs: the real server loads and starts a plugin on a worker
 * thread and closes it on the main one. */
enum place { ON_MAIN, ON_CALLER };

static const struct {
    const char *verb;
    enum place place;
    handler *run;
} verbs[] = {
    {"load", ON_CALLER, do_load},
    {"set", ON_CALLER, do_set},
    {"options", ON_CALLER, do_options},
    {"init", ON_CALLER, do_init},
    {"workers", ON_MAIN, do_workers},
    {"scan", ON_MAIN, do_scan},
    {"stop", ON_MAIN, do_stop},
    {"close", ON_MAIN, do_close},
    {"unload", ON_MAIN, do_unload},
    {"call", ON_CALLER, do_call},
    {"fork", ON_CALLER, do_fork},
    {"state", ON_MAIN, do_state},
    {"thread", ON_CALLER, do_thread_state},
    {"loop", ON_MAIN, do_loop},
    {"pace", ON_MAIN, do_pace},
    {"busy", ON_MAIN, do_busy},
    {"scanned", ON_MAIN, do_scanned},
    {"calm", ON_MAIN, do_calm},
    {"churn", ON_MAIN, do_churn},
    {"cancel", ON_MAIN, do_cancel},
    {"handler", ON_MAIN, do_handler},
    {"stacks", ON_MAIN, do_stacks},
    {"raise", ON_CALLER, do_raise},
    {"storm", ON_MAIN, do_storm},
    {"end", ON_MAIN, do_end},
    {"close-standard", ON_MAIN, do_close_standard},
    {"check-standard", ON_MAIN, do_check_standard},
    {"run", ON_MAIN, do_run},
    {"marker", ON_MAIN, do_marker},
    {"reentrant", ON_MAIN, do_reentrant},
    {"crash-in-log", ON_MAIN, do_crash_in_log},
    {"slot", ON_MAIN, do_slot},
};

/* The caller is one long-lived worker thread for single calls, so that a context
 * stays on the thread that made it. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t change;
    handler *run;
    struct server *server;
    struct request *request;
    struct reply *reply;
} caller = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, NULL, NULL, NULL};

static void *caller_thread(void *unused) {
    pthread_mutex_lock(&caller.lock);
    for (;;) {
        while (!caller.run)
            pthread_cond_wait(&caller.change, &caller.lock);
        caller.run(caller.server, caller.request, caller.reply);
        caller.run = NULL;
        pthread_cond_broadcast(&caller.change);
    }
    return unused;
}

static void on_caller(handler *run, struct server *s, struct request *r, struct reply *reply) {
    pthread_mutex_lock(&caller.lock);
    caller.server = s;
    caller.request = r;
    caller.reply = reply;
    caller.run = run;
    pthread_cond_broadcast(&caller.change);
    while (caller.run)
        pthread_cond_wait(&caller.change, &caller.lock);
    pthread_mutex_unlock(&caller.lock);
}

static void send_log(enum log_level level, const char *text) {
    wire_event("log", log_level_name[level], text);
}

static void send_danger(const char *format, const char *why) {
    wire_event("danger", why, format);
}

const char *word(const struct request *r, int i) {
    return i < r->count ? r->word[i] : "";
}

int number_at(const struct request *r, int i, unsigned *number, struct reply *reply) {
    if (!parse_number(word(r, i), 1000000000, number))
        return 0;
    reply_error(reply, "%s: argument %d is not a number: '%s'", r->word[1], i - 1, word(r, i));
    return -1;
}

/* Two plugins in one process: the requests that follow are for slot 0 or 1. */
static struct server servers[2];
static struct server *current = &servers[0];

static void do_slot(struct server *s, struct request *r, struct reply *reply) {
    unsigned slot;
    (void)s;
    if (number_at(r, 2, &slot, reply))
        return;
    current = &servers[slot & 1];
    reply_ok(reply);
}

static void dispatch(struct server *s, struct request *r) {
    struct reply reply;
    reply_start(&reply, r->word[0]);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(verbs[i].verb, r->word[1]))
            continue;
        if (verbs[i].place == ON_CALLER)
            on_caller(verbs[i].run, s, r, &reply);
        else
            verbs[i].run(s, r, &reply);
        return;
    }
    reply_error(&reply, "unknown request '%s'", r->word[1]);
}

void serve(void) {
    static struct request request;
    pthread_t thread;
    log_sink = send_log;
    log_danger = send_danger;
    int err = spawn(&thread, WORKER_STACK, caller_thread, NULL);
    if (err) {
        fprintf(stderr, "avserver: can't make a worker thread: %s\n", strerror(err));
        exit(1);
    }
    while (!wire_read(&request))
        dispatch(current, &request);
}
