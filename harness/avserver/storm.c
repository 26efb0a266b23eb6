/* handler SIGNAL small|big|exit: installs a handler of the host, without
 * SA_ONSTACK as ordinary programs do. A big one uses 64 KiB of stack; one that
 * exits ends the process with status 77, as a crash reporter would.
 * storm MS SIGNAL...: sends the signals to the process and to each of its threads
 * for so long: the kernel gives a signal to any thread that does not block it,
 * and a plugin's own threads are among them. */
#define _GNU_SOURCE
#include "storm.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "proc.h"
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

#define MAX_THREADS 1024

void do_storm(struct session *s, struct request *r, struct reply *reply) {
    static unsigned ids[MAX_THREADS];
    unsigned ms, sent = 0, signals[NSIG], count = 0;
    (void)s;
    if (number_at(r, 2, &ms, reply))
        return;
    for (int i = 3; i < r->count && count < NSIG; i++)
        if (number_at(r, i, &signals[count++], reply))
            return;
    caught = 0;
    pid_t self = getpid();
    unsigned long long end = now_ns() + ms * 1000000ULL;
    while (now_ns() < end) {
        unsigned threads = list_numbers("/proc/self/task", ids, MAX_THREADS);
        for (int again = 0; again < 16; again++)
            for (unsigned i = 0; i < count; i++) {
                kill(self, (int)signals[i]);
                for (unsigned t = 0; t < threads; t++)
                    syscall(SYS_tgkill, self, ids[t], signals[i]);
                sent += 1 + threads;
            }
    }
    reply_number(reply, "sent", sent);
    reply_number(reply, "caught", caught);
    reply_ok(reply);
}
