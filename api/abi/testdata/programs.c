/* Hosts in whose process a program started in the usual way would lose its exit status, or worse. */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

static volatile int told, stop;

static void on_child(int number) {
    (void)number;
    __atomic_add_fetch(&told, 1, __ATOMIC_SEQ_CST);
}

/* Waits for any child all the time, as hosts do that have many. */
static void *reap(void *unused) {
    int status;

    while (!stop) {
        CHECK(waitpid(-1, &status, WNOHANG) <= 0);
        usleep(100);
    }
    return unused;
}

static void ignore_children(void) {
    signal(SIGCHLD, SIG_IGN);
}

static void refuse_children(void) {
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_child;
    action.sa_flags = SA_NOCLDWAIT;
    sigaction(SIGCHLD, &action, NULL);
}

static void watch_children(void) {
    signal(SIGCHLD, on_child);
    spawn(reap, NULL, 0);
}

static void block_signals(void) {
    sigset_t set;

    sigfillset(&set);
    sigdelset(&set, SIGALRM); /* ends a check that hangs */
    pthread_sigmask(SIG_SETMASK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
}

static void close_standard_descriptors(void) {
    CHECK(dup2(2, 100) == 100); /* and one more that a program could inherit */
    close(0);
    close(1);
}

void check_programs(void) {
    static void (*const ways[])(void) = {ignore_children, refuse_children, watch_children, block_signals,
                                         close_standard_descriptors};
    void *context;
    int way, i, status;
    pid_t pid;

    for (way = 0; way < 5; way++) {
        pid = fork();
        if (pid == 0) {
            alarm(30);
            ways[way]();
            context = start();
            for (i = 0; i < 20; i++)
                CHECK(scan(context, "program") == AVCHK_OK);
            CHECK(scan(context, "endless program") == AVCHK_IMPOSSIBLE);
            CHECK(told == 0); /* no SIGCHLD for what isn't the host's child */
            CHECK(waitpid(-1, &status, __WALL) == -1 && errno == ECHILD);
            CHECK(api->plugin_close() == 1);
            stop = 1;
            _exit(0);
        }
        CHECK(waitpid(pid, &status, 0) == pid);
        if (status != 0)
            fprintf(stderr, "way %d: status %x\n", way, status);
        CHECK(status == 0);
    }
}
