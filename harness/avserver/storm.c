/* handler SIGNAL KIND: installs a handler of the host, without SA_ONSTACK as
 * ordinary programs do. A big one uses 64 KiB of stack, a small one little; exit
 * ends the process with status 77, as a crash reporter would; commit makes the
 * memory of lazy.h accessible; reap waits for all children; ignore is SIG_IGN.
 * raise SIGNAL COUNT: sends it to the calling thread, and counts how often the
 * host's handler ran.
 * storm MS SIGNAL...: sends the signals to the process and to each of its threads
 * for so long: the kernel gives a signal to any thread that does not block it,
 * and a plugin's own threads are among them. */
#define _GNU_SOURCE
#include "storm.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "lazy.h"
#include "procfs.h"
#include "requests.h"

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

static void reap(int signal) {
    (void)signal;
    int err = errno;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    errno = err;
}

static void commit(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    if (!lazy_commit(info->si_addr))
        _exit(78); /* a fault that is not the host's; to return would repeat it */
}

static void report(int signal) {
    (void)signal;
    _exit(77);
}

static const struct {
    const char *name;
    void (*handler)(int);
} handlers[] = {{"small", small}, {"big", big}, {"exit", report}, {"reap", reap}, {"ignore", SIG_IGN}};

int is_host_handler(void (*handler)(int)) {
    for (unsigned i = 0; i < sizeof handlers / sizeof *handlers; i++)
        if (handler != SIG_IGN && handlers[i].handler == handler)
            return 1;
    return 0;
}

void do_handler(struct server *s, struct request *r, struct reply *reply) {
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
    if (!strcmp(word(r, 3), "commit")) {
        action.sa_sigaction = commit;
        action.sa_flags = SA_SIGINFO;
    }
    if (sigaction((int)signal, &action, NULL)) {
        reply_error(reply, "can't handle signal %u", signal);
        return;
    }
    reply_ok(reply);
}

void do_raise(struct server *s, struct request *r, struct reply *reply) {
    unsigned signal, count;
    (void)s;
    if (number_at(r, 2, &signal, reply) || number_at(r, 3, &count, reply))
        return;
    unsigned before = caught;
    for (unsigned i = 0; i < count; i++)
        raise((int)signal);
    reply_number(reply, "caught", caught - before);
    reply_ok(reply);
}

#define MAX_THREADS 1024

void do_storm(struct server *s, struct request *r, struct reply *reply) {
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
    do { /* once at least, however long this thread had to wait for a processor */
        unsigned threads = list_numbers("/proc/self/task", ids, MAX_THREADS);
        for (int again = 0; again < 16; again++)
            for (unsigned i = 0; i < count; i++) {
                kill(self, (int)signals[i]);
                for (unsigned t = 0; t < threads; t++)
                    syscall(SYS_tgkill, self, ids[t], signals[i]);
                sent += 1 + threads;
            }
    } while (now_ns() < end);
    reply_number(reply, "sent", sent);
    reply_number(reply, "caught", caught);
    reply_ok(reply);
}
