/* What a plugin must leave as it found it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "procfs.h"
#include "requests.h"
#include "storm.h"

extern char **environ;

#define MAX_DESCRIPTORS 65536
/* The kernel's own call: new C libraries use one that the kernel floor lacks. */
#ifdef SYS_ugetrlimit
#define GETRLIMIT SYS_ugetrlimit /* i386: the older call stops at 2 GiB */
#else
#define GETRLIMIT SYS_getrlimit
#endif

#define DESCRIBED 200 /* the rest is only counted */

/* Descriptors of the host itself begin at 100, see wire.c. */
static void add_descriptors(struct reply *reply) {
    static unsigned open[MAX_DESCRIPTORS];
    unsigned count = list_numbers("/proc/self/fd", open, MAX_DESCRIPTORS);
    for (unsigned i = 0; i < count && i < DESCRIBED; i++) {
        char key[32], name[32], target[256];
        snprintf(key, sizeof key, "fd.%u", open[i]);
        snprintf(name, sizeof name, "/proc/self/fd/%u", open[i]);
        ssize_t n = readlink(name, target, sizeof target - 16);
        strcpy(target + (n < 0 ? 0 : n), fcntl((int)open[i], F_GETFD) & FD_CLOEXEC ? "" : " inherited");
        reply_text(reply, key, target);
    }
    reply_number(reply, "descriptors", count);
}

static void add_limits(struct reply *reply) {
    static const char *const names[] = {"cpu",   "fsize",      "data",     "stack",   "core",
                                        "rss",   "nproc",      "nofile",   "memlock", "as",
                                        "locks", "sigpending", "msgqueue", "nice",    "rtprio"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        struct {
            unsigned long rlim_cur, rlim_max;
        } limit;
        char key[32], value[64];
        if (syscall(GETRLIMIT, i, &limit))
            continue;
        snprintf(key, sizeof key, "limit.%s", names[i]);
        snprintf(value, sizeof value, "%lu %lu", limit.rlim_cur, limit.rlim_max);
        reply_text(reply, key, value);
    }
}

static void add_signals(struct reply *reply) {
    for (int i = 1; i < NSIG; i++) {
        struct sigaction action;
        char key[32], value[64];
        if (sigaction(i, NULL, &action)) /* those that the C library keeps */
            continue;
        const char *what = action.sa_handler == SIG_DFL         ? "default"
                           : action.sa_handler == SIG_IGN       ? "ignored"
                           : is_host_handler(action.sa_handler) ? "host"
                                                                : "other";
        snprintf(key, sizeof key, "signal.%d", i);
        snprintf(value, sizeof value, "%s%s%s", what, action.sa_flags & SA_ONSTACK ? " onstack" : "",
                 action.sa_flags & SA_RESTART ? " restart" : "");
        if (strcmp(value, "default"))
            reply_text(reply, key, value);
    }
}

/* add_status adds numbers of /proc/self/status, sizes in KiB. */
static void add_status(struct reply *reply) {
    static const char *const wanted[] = {"VmSize", "VmRSS", "Threads"};
    char line[256];
    FILE *f = fopen("/proc/self/status", "re");
    if (!f)
        return;
    while (fgets(line, sizeof line, f))
        for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++) {
            size_t n = strlen(wanted[i]);
            if (!strncmp(line, wanted[i], n) && line[n] == ':') {
                line[strcspn(line, "\n")] = 0;
                char *value = line + n + 1 + strspn(line + n + 1, " \t");
                value[strcspn(value, " ")] = 0;
                reply_text(reply, wanted[i], value);
            }
        }
    fclose(f);
}

static void add_process(struct reply *reply) {
    char text[512];
    mode_t mask = umask(0);
    umask(mask);
    reply_number(reply, "umask", mask);
    reply_text(reply, "directory", getcwd(text, sizeof text) ? text : strerror(errno));
    const char *locale = setlocale(LC_ALL, NULL);
    reply_text(reply, "locale", locale ? locale : "");
    unsigned hash = 2166136261u; /* FNV-1a over all variables */
    for (char **e = environ; e && *e; e++)
        for (const char *at = *e; *at; at++)
            hash = (hash ^ (unsigned char)*at) * 16777619u;
    reply_number(reply, "environment", hash);
    memset(text, 0, sizeof text);
    prctl(PR_GET_NAME, text, 0, 0, 0);
    reply_text(reply, "name", text);
    reply_number(reply, "dumpable", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
    struct itimerval timer;
    getitimer(ITIMER_REAL, &timer);
    reply_number(reply, "timer", timer.it_value.tv_sec || timer.it_value.tv_usec);
}

/* state: the process, and what belongs to the main thread. */
void do_state(struct server *s, struct request *r, struct reply *reply) {
    add_descriptors(reply);
    add_limits(reply);
    add_signals(reply);
    add_process(reply);
    add_status(reply);
    do_thread_state(s, r, reply);
}

/* thread: what belongs to the thread that loaded the plugin. */
void do_thread_state(struct server *s, struct request *r, struct reply *reply) {
    (void)s, (void)r;
    sigset_t set;
    char mask[NSIG + 1];
    pthread_sigmask(SIG_BLOCK, NULL, &set);
    for (int i = 1; i < NSIG; i++)
        mask[i - 1] = sigismember(&set, i) == 1 ? '1' : '0';
    mask[NSIG - 1] = 0;
    reply_text(reply, "mask", mask);
    reply_number(reply, "priority", getpriority(PRIO_PROCESS, 0)); /* Linux has one for each thread */
    int cancel;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &cancel);
    pthread_setcancelstate(cancel, NULL);
    reply_number(reply, "cancel-enabled", cancel == PTHREAD_CANCEL_ENABLE);
    reply_ok(reply);
}
