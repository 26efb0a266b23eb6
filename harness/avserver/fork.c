/* Processes that the host forks with the plugin in it. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "call.h"
#include "clock.h"

/* fork MS SLOT ARGUMENT...: the call in a forked child, which has MS to do it. */
void do_fork(struct server *s, struct request *r, struct reply *reply) {
    unsigned limit;
    if (number_at(r, 2, &limit, reply))
        return;
    struct call *c = call_prepare(s, r, 3, reply);
    if (!c)
        return;
    unsigned long long start = now_ns();
    pid_t parent = getpid(), child = fork(), ended;
    if (child == 0) {
        /* It may hang, and nobody kills it once this host is gone. */
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (getppid() != parent)
            _exit(100);
        int result = (int)call_make(c);
        _exit(result >= 0 && result < 100 ? result : 100);
    }
    free(c);
    if (child < 0) {
        reply_error(reply, "fork: %s", strerror(errno));
        return;
    }
    int status = 0, hung = 0;
    while ((ended = waitpid(child, &status, WNOHANG)) == 0 || (ended < 0 && errno == EINTR)) {
        if ((now_ns() - start) / 1000000 > limit && !hung) {
            hung = 1;
            kill(child, SIGKILL);
        }
        sleep_ms(1);
    }
    if (ended != child) {
        reply_error(reply, "waitpid: %s", strerror(errno));
        return;
    }
    reply_number(reply, "ns", (long long)(now_ns() - start));
    reply_number(reply, "hung", hung);
    reply_number(reply, "signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    reply_number(reply, "result", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    reply_ok(reply);
}

/* run PROGRAM [ARGUMENT]...: its exit status. */
void do_run(struct server *s, struct request *r, struct reply *reply) {
    (void)s;
    pid_t child = fork(), ended;
    if (child == 0) {
        r->word[r->count < MAX_WORDS ? r->count : MAX_WORDS - 1] = NULL;
        execv(word(r, 2), r->word + 2);
        _exit(127);
    }
    if (child < 0) {
        reply_error(reply, "fork: %s", strerror(errno));
        return;
    }
    int status = 0;
    while ((ended = waitpid(child, &status, 0)) < 0 && errno == EINTR)
        ;
    if (ended != child) {
        reply_error(reply, "waitpid: %s", strerror(errno));
        return;
    }
    reply_number(reply, "signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    reply_number(reply, "result", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    reply_ok(reply);
}
