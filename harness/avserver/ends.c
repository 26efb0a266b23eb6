/* end exit|crash|vanish: how a process ends that has a plugin in it.
 * close-standard, check-standard: descriptors 0 to 2 closed before the load, and
 * taken by files of the host after it.
 * run: fork and exec of another program, which is what a host does after fork. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "session.h"

static void *crash(void *unused) {
    *(volatile int *)unused = 1;
    return unused;
}

void do_end(struct session *s, struct request *r, struct reply *reply) {
    (void)s;
    const char *how = word(r, 2);
    reply_ok(reply); /* there is no later */
    if (!strcmp(how, "exit"))
        exit(0);
    if (!strcmp(how, "vanish"))
        kill(getpid(), SIGKILL);
    run_on_worker(crash, NULL);
}

void do_close_standard(struct session *s, struct request *r, struct reply *reply) {
    (void)s, (void)r;
    for (int fd = 0; fd < 3; fd++)
        close(fd);
    reply_ok(reply);
}

/* The files that took 0 to 2; -1 where something else has the descriptor. */
static int mine[3] = {-1, -1, -1};

/* check-standard open DIRECTORY, then check-standard size: bytes that somebody
 * wrote into the files which the host has at descriptors 0 to 2. */
void do_check_standard(struct session *s, struct request *r, struct reply *reply) {
    (void)s;
    long long taken = 0, bytes = 0;
    if (!strcmp(word(r, 2), "open")) {
        for (int i = 0; i < 3; i++) {
            char path[4096];
            snprintf(path, sizeof path, "%s/standard-%d", word(r, 3), i);
            int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
            if (fd >= 0 && fd < 3)
                mine[fd] = fd;
            else if (fd >= 0)
                close(fd);
        }
    }
    for (int i = 0; i < 3; i++)
        if (mine[i] >= 0) {
            taken++;
            bytes += lseek(mine[i], 0, SEEK_END);
        }
    reply_number(reply, "taken", taken);
    reply_number(reply, "bytes", bytes);
    reply_ok(reply);
}

/* run PROGRAM [ARGUMENT]...: its exit status. */
void do_run(struct session *s, struct request *r, struct reply *reply) {
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
