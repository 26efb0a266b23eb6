#include "host.h"

#include <errno.h>
#include <sys/wait.h>

static volatile int handled, stop;

static void handler(int number) {
    volatile char frame[64 * 1024];

    memset((void *)frame, number, sizeof frame);
    __atomic_add_fetch(&handled, 1, __ATOMIC_SEQ_CST);
}

static void *scan_in_storm(void *unused) {
    void *context;

    CHECK(api->plugin_thread_init(&context) == 1);
    CHECK(scan(context, "noop") == AVCHK_OK);
    __atomic_add_fetch(&lines, 1, __ATOMIC_SEQ_CST);
    while (!stop)
        CHECK(scan(context, "noop") == AVCHK_OK && scan(context, "gc") == AVCHK_OK);
    CHECK(api->plugin_thread_close(&context) == 1);
    return unused;
}

/* Of a broken program, or not to be caught; SIGURG is in handlers.c. */
int is_special(int number) {
    static const int special[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE,
                                  SIGILL,  SIGTRAP, SIGABRT, SIGSYS, SIGURG};
    size_t i;

    for (i = 0; i < sizeof special / sizeof *special; i++)
        if (number == special[i])
            return 1;
    return number > SIGSYS && number < SIGRTMIN; /* glibc's own */
}

/*
 * Every signal that a host may use, with a handler that was installed after
 * all threads had called the plugin, so without SA_ONSTACK: on a goroutine's
 * stack its frame would overwrite others.
 */
void check_latehandlers(void) {
    struct sigaction action;
    pthread_t threads[3];
    int i, number, round;

    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    start();
    lines = 0;
    for (i = 0; i < 3; i++)
        threads[i] = spawn(scan_in_storm, NULL, 0);
    while (lines < 3)
        usleep(1000);
    for (number = 1; number <= SIGRTMAX; number++)
        if (!is_special(number))
            CHECK(sigaction(number, &action, NULL) == 0);
    for (round = 0; round < 100; round++)
        for (number = 1; number <= SIGRTMAX; number++)
            for (i = 0; i < 3 && !is_special(number); i++)
                CHECK(pthread_kill(threads[i], number) == 0 || errno == EAGAIN);
    stop = 1;
    for (i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    CHECK(handled > 1000);
}

void check_signals(void) {
    struct sigaction action;
    pthread_t threads[3];
    int i, round;

    memset(&action, 0, sizeof action);
    action.sa_handler = handler; /* without SA_ONSTACK */
    sigaction(SIGUSR1, &action, NULL);
    start();
    sigaction(SIGUSR2, &action, NULL);
    for (i = 0; i < 3; i++)
        threads[i] = spawn(scan_in_storm, NULL, 0);
    usleep(10000);
    sigaction(SIGALRM, &action, NULL); /* later than everything */
    sigaction(SIGRTMIN, &action, NULL);
    for (round = 0; round < 3000; round++) {
        kill(getpid(), round % 2 ? SIGUSR1 : SIGUSR2);
        for (i = 0; i < 3; i++) {
            pthread_kill(threads[i], round % 2 ? SIGUSR2 : SIGALRM);
            pthread_kill(threads[i], SIGRTMIN);
        }
    }
    stop = 1;
    for (i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    CHECK(handled > 3000);
}

/* A host that takes its signals in one thread has them blocked in all others. */
static void block_all(void) {
    sigset_t set;

    sigfillset(&set);
    sigdelset(&set, SIGALRM); /* ends a check that hangs */
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int is_pending(int number) {
    sigset_t set;

    return sigpending(&set) == 0 && sigismember(&set, number);
}

/* The fault becomes a panic, and the collector stops a loop, in spite of the mask. */
void check_blocked(void) {
    sigset_t before, after;
    void *context;
    int i;

    block_all();
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    context = start();
    for (i = 0; i < 3; i++) {
        CHECK(scan(context, "nil") == AVCHK_FAILED && strstr(last_line, "nil pointer") != NULL);
        if (getenv("AVIR_TEST_INLINE") != NULL) /* the only way in which a loop runs under our mask */
            CHECK(scan(context, "spin") == AVCHK_OK);
    }
    raise(SIGUSR1);
    raise(SIGABRT);
    raise(SIGSEGV); /* as another process can send it */
    CHECK(scan(context, "noop") == AVCHK_OK);
    CHECK(is_pending(SIGUSR1) && is_pending(SIGABRT) && is_pending(SIGSEGV));
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (i = 1; i < NSIG; i++)
        CHECK(sigismember(&before, i) == sigismember(&after, i));
    _exit(0);
}

static void surprise(int number) {
    (void)number;
    _exit(1);
}

/* The host's ways with SIGPIPE: none of them may see the plugin's own. */
static void break_pipes(int way) {
    void *context;
    sigset_t set;
    int i;

    if (way == 1)
        signal(SIGPIPE, surprise);
    context = start();
    if (way == 2)
        signal(SIGPIPE, surprise);
    if (way == 3)
        signal(SIGPIPE, SIG_DFL);
    if (way == 4) {
        sigemptyset(&set);
        sigaddset(&set, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
        raise(SIGPIPE);
    }
    for (i = 0; i < 3; i++) {
        errno = 0;
        CHECK(scan(context, "pipe") == AVCHK_OK && is_pending(SIGPIPE) == (way == 4));
    }
    CHECK(api->plugin_close() == 1);
    _exit(0); /* the one that is pending stays so */
}

void check_pipe(void) {
    int way, status;
    pid_t pid;

    for (way = 0; way <= 4; way++) {
        pid = fork();
        if (pid == 0) {
            alarm(30);
            break_pipes(way);
        }
        CHECK(waitpid(pid, &status, 0) == pid);
        if (status != 0)
            fprintf(stderr, "way %d: status %x\n", way, status);
        CHECK(status == 0);
    }
}

static int on_stack(void) {
    struct sigaction action;

    return sigaction(SIGUSR1, NULL, &action) == 0 && (action.sa_flags & SA_ONSTACK);
}

/* Handlers are touched rarely: the host may be installing one at that moment. */
void check_handlers(void) {
    struct sigaction action;
    void *context = start();

    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    sigaction(SIGUSR1, &action, NULL);
    CHECK(api->plugin_thread_init(&context) == 1 && scan(context, "noop") == AVCHK_OK && !on_stack());
    pthread_join(spawn(scan_once, NULL, 0), NULL);
    CHECK(on_stack());
    sigaction(SIGUSR1, &action, NULL);
    CHECK(api->plugin_init(log_line) == 1 && on_stack());
}
