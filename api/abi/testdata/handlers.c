/* What the host has done about its signals before the load works after it. */
#include "host.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

static volatile int urgent, faults;
static volatile pid_t sender;

static void on_urgent(int number, siginfo_t *info, void *context) {
    (void)context;
    CHECK(number == SIGURG);
    sender = info->si_pid;
    __atomic_add_fetch(&urgent, 1, __ATOMIC_SEQ_CST);
}

static void wait_for_urgent(int count) {
    int tries;

    for (tries = 0; urgent < count && tries < 5000; tries++)
        usleep(1000);
    CHECK(urgent >= count && sender == getpid());
}

static volatile int stop;

static void *scan_until_stopped(void *unused) {
    void *context;

    CHECK(api->plugin_thread_init(&context) == 1);
    lines = 1;
    while (!stop)
        CHECK(scan(context, "gc") == AVCHK_OK);
    CHECK(api->plugin_thread_close(&context) == 1);
    return unused;
}

/* The host's SIGURG beside the one with which Go interrupts itself. */
void check_urgent(void) {
    struct sigaction action;
    pthread_t thread;
    int i;

    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_urgent;
    action.sa_flags = SA_SIGINFO;
    CHECK(sigaction(SIGURG, &action, NULL) == 0);
    start();
    lines = 0;
    thread = spawn(scan_until_stopped, NULL, 0);
    while (lines == 0)
        usleep(1000);
    for (i = 1; i <= 100; i++) {
        urgent = 0;
        CHECK(raise(SIGURG) == 0 && urgent >= 1);
        urgent = 0;
        CHECK(kill(getpid(), SIGURG) == 0);
        wait_for_urgent(1);
    }
    stop = 1;
    pthread_join(thread, NULL);
    urgent = 0;
    CHECK(api->plugin_close() == 1 && raise(SIGURG) == 0 && urgent == 1);
}

/* What a host's process ends by in some way, with the library and without. */
static int fate(void (*die)(void), int with_library) {
    struct rlimit none = {0, 0};
    int status;
    double begin = seconds();
    pid_t pid = fork();

    CHECK(pid >= 0);
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &none);
        alarm(10);
        signal(SIGQUIT, SIG_IGN);
        if (with_library)
            start();
        die();
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(seconds() - begin < 3);
    return status;
}

static void touch_null(void) {
    *(volatile int *)NULL = 1;
}

static volatile int zero;

static void divide(void) {
    zero = 7 / zero;
}

static void touch_beyond_file(void) {
    FILE *file = tmpfile();
    volatile char *memory = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(file), 0);

    CHECK(memory != MAP_FAILED);
    zero = memory[0];
}

static void send_fault(void) {
    kill(getpid(), SIGSEGV);
    usleep(2000000);
}

static void ignore_sent_fault(void) {
    CHECK(raise(SIGFPE) == 0);
    CHECK(raise(SIGURG) == 0);
}

static void count_fault(int number) {
    (void)number;
    faults++;
}

static void raise_twice(void) {
    CHECK(raise(SIGSEGV) == 0 && faults == 1);
    CHECK(raise(SIGSEGV) == 0); /* SA_RESETHAND */
}

/* Before the load in each child. */
static void install(void) {
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = count_fault;
    action.sa_flags = SA_RESETHAND;
    sigaction(SIGSEGV, &action, NULL);
}

void check_fates(void) {
    static void (*const ways[])(void) = {touch_null, divide, touch_beyond_file, send_fault};
    static const int signals[] = {SIGSEGV, SIGFPE, SIGBUS, SIGSEGV};
    int i, with;

    for (with = 0; with <= 1; with++) {
        for (i = 0; i < 4; i++) {
            int status = fate(ways[i], with);

            if (!WIFSIGNALED(status) || WTERMSIG(status) != signals[i])
                fprintf(stderr, "way %d, library %d: status %x\n", i, with, status);
            CHECK(WIFSIGNALED(status) && WTERMSIG(status) == signals[i]);
        }
        signal(SIGFPE, SIG_IGN);
        CHECK(fate(ignore_sent_fault, with) == 0);
        signal(SIGFPE, SIG_DFL);
        install();
        CHECK(WTERMSIG(fate(raise_twice, with)) == SIGSEGV);
        signal(SIGSEGV, SIG_DFL);
    }
}

static void crash_in_log(const char *format, ...) {
    (void)format;
    touch_null();
}

/* On the host's thread inside of Go, or on Go's own. */
static void log_to_crash(void) {
    void *context;

    CHECK(api->plugin_close() == 1 && api->plugin_init(crash_in_log) == 1);
    CHECK(api->plugin_thread_init(&context) == 1);
    scan(context, "format");
}

void check_logcrash(void) {
    CHECK(WTERMSIG(fate(log_to_crash, 1)) == SIGSEGV);
}
