/* handler SIGNAL small|big|exit: installs a handler of the host, without
 * SA_ONSTACK as ordinary programs do. A big one uses 64 KiB of stack; one that
 * exits ends the process with status 77, as a crash reporter would.
 * storm MS SIGNAL...: sends the signals to the process and to the threads of a
 * busy loop for so long. */
#define _GNU_SOURCE
#include "storm.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "loops.h"
#include "session.h"

#define BIG_FRAME (64 * 1024)

static volatile unsigned caught;

static void small(int signal) {
    (void)signal;
    __sync_fetch_and_add(&caught, 1);
}

/* Touches its whole frame, as a handler does that formats a stack trace. */
static void big(int signal) {
    volatile char frame[BIG_FRAME];
    for (unsigned i = 0; i < sizeof frame; i += 512)
        frame[i] = (char)signal;
    __sync_fetch_and_add(&caught, 1);
}

static void report(int signal) {
    (void)signal;
    _exit(77);
}

static const struct {
    const char *name;
    void (*handler)(int);
} handlers[] = {{"small", small}, {"big", big}, {"exit", report}};

int is_host_handler(void (*handler)(int)) {
    for (unsigned i = 0; i < sizeof handlers / sizeof *handlers; i++)
        if (handlers[i].handler == handler)
            return 1;
    return 0;
}

void do_handler(struct session *s, struct request *r, struct reply *reply) {
    (void)s;
    unsigned signal;
    if (number_at(r, 2, &signal, reply))
        return;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    for (unsigned i = 0; i < sizeof handlers / sizeof *handlers; i++)
        if (!strcmp(handlers[i].name, word(r, 3)))
            action.sa_handler = handlers[i].handler;
    action.sa_flags = SA_RESTART;
    if (sigaction((int)signal, &action, NULL)) {
        reply_error(reply, "can't handle signal %u", signal);
        return;
    }
    reply_ok(reply);
}

void do_storm(struct session *s, struct request *r, struct reply *reply) {
    (void)s;
    unsigned ms, sent = 0;
    if (number_at(r, 2, &ms, reply))
        return;
    const pthread_t *threads;
    unsigned count = loop_threads(&threads);
    caught = 0;
    unsigned long long end = now_ns() + ms * 1000000ULL;
    while (now_ns() < end) {
        for (int i = 3; i < r->count; i++) {
            unsigned signal;
            if (number_at(r, i, &signal, reply))
                return;
            kill(getpid(), (int)signal);
            for (unsigned t = 0; t < count; t++)
                pthread_kill(threads[t], (int)signal);
            sent += 1 + count;
        }
        if (sent % 64 < 8)
            sleep_ms(0);
    }
    reply_number(reply, "sent", sent);
    reply_number(reply, "caught", caught);
    reply_ok(reply);
}
