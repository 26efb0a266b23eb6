#include "host.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

extern char **environ;

/* How many descriptors are open; those beyond the known ones are the library's. */
static int descriptors(int known) {
    int i, n = 0;

    for (i = 0; i < 256; i++) {
        int flags = fcntl(i, F_GETFD);

        if (flags >= 0 && ++n > known)
            CHECK(flags & FD_CLOEXEC);
    }
    return n;
}

/* What a library may not change in the process: equal before and after. */
struct state {
    struct rlimit files, stack;
    int timer_slack;
    sigset_t mask;
    void (*handlers[NSIG])(int);
    int flags[NSIG];
    mode_t umask;
    char *environment[64];
};

static void take(struct state *state) {
    struct sigaction action;
    int i;

    memset(state, 0, sizeof *state);
    getrlimit(RLIMIT_NOFILE, &state->files);
    getrlimit(RLIMIT_STACK, &state->stack);
    state->timer_slack = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
    pthread_sigmask(SIG_SETMASK, NULL, &state->mask);
    for (i = 1; i < NSIG; i++) {
        /* Go needs its own handlers of faults and of its own interrupts. */
        if (i == SIGSEGV || i == SIGBUS || i == SIGFPE || i == SIGURG || sigaction(i, NULL, &action) != 0)
            continue;
        state->handlers[i] = action.sa_handler;
        state->flags[i] = action.sa_flags & ~SA_ONSTACK;
    }
    umask(state->umask = umask(0));
    for (i = 0; environ[i] != NULL && i < 64; i++)
        state->environment[i] = environ[i];
}

void check_state(void) {
    struct rlimit files = {256, 4096};
    struct state before, after;
    sigset_t set;
    void *context;
    int count;

    for (count = 3; count < 256; count++)
        close(count); /* what we inherited */
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    setrlimit(RLIMIT_NOFILE, &files);
    take(&before);
    load();
    take(&after);
    CHECK(memcmp(&before, &after, sizeof before) == 0);
    CHECK(api->plugin_init(log_line) == 1);
    CHECK(api->plugin_thread_init(&context) == 1);
    count = descriptors(3);
    CHECK(scan(context, "noop") == AVCHK_OK && scan(context, "gc") == AVCHK_OK);
    CHECK(descriptors(3) == count);
    take(&after);
    CHECK(memcmp(&before, &after, sizeof before) == 0);
}

/* In MB, from the environment; 0 when it isn't there. */
static rlim_t megabytes(const char *name) {
    const char *text = getenv(name);

    return text == NULL ? 0 : (rlim_t)atol(text) << 20;
}

/* The load works within limits, and leaves the host some of its address space. */
void check_limits(void) {
    struct rlimit space = {megabytes("AVIR_TEST_SPACE"), megabytes("AVIR_TEST_SPACE")};
    struct rlimit data = {megabytes("AVIR_TEST_DATA"), megabytes("AVIR_TEST_DATA")};
    size_t left = megabytes("AVIR_TEST_LEFT");
    void *context;

    CHECK(space.rlim_cur == 0 || setrlimit(RLIMIT_AS, &space) == 0);
    CHECK(data.rlim_cur == 0 || setrlimit(RLIMIT_DATA, &data) == 0);
    load();
    CHECK(left == 0 || mmap(NULL, left, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    context = start();
    CHECK(scan(context, "noop") == AVCHK_OK && scan(context, "gc") == AVCHK_OK);
}

static void call_everything(void *context) {
    avir_plugin_info info;
    char text[64];
    void *other = context;

    api->get_plugin_info(&info);
    CHECK(strcmp(info.name, "avir_test") == 0);
    api->get_error_message(text, sizeof text);
    CHECK(strstr(text, "fork") != NULL);
    CHECK(api->set_plugin_config((avir_plugin_config *)&info) == 0);
    CHECK(api->get_plugin_config() == NULL);
    api->free_plugin_config(NULL);
    CHECK(api->plugin_init(log_line) == 0 && api->plugin_close() == 0);
    CHECK(api->plugin_thread_test_file(context, "noop", NULL, NULL, 0, text, 8) == AVCHK_FAILED);
    CHECK(strlen(text) == 7);
    CHECK(api->plugin_thread_close(&other) == 0 && other == NULL);
    CHECK(api->plugin_thread_init(&other) == 0 && other == NULL);
}

static void check_child(void *context, long pid) {
    int status;

    CHECK(pid >= 0);
    if (pid == 0) {
        alarm(5);
        call_everything(context);
        exit(0); /* with our handler */
    }
    CHECK(waitpid((pid_t)pid, &status, 0) == pid && status == 0);
}

void check_fork(void) {
    void *context = start();

    check_child(context, fork());
    check_child(context, syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); /* no handler of glibc runs */
    CHECK(scan(context, "noop") == AVCHK_OK && api->plugin_close() == 1);
}

static void *scan_and_say(void *said) {
    void *context;

    CHECK(api->plugin_thread_init(&context) == 1);
    lines = 1;
    CHECK(scan(context, "wait") == AVCHK_FAILED);
    lines = 2;
    CHECK(api->plugin_thread_close(&context) == 1);
    lines = 3;
    pthread_testcancel();
    return said;
}

void check_cancel(void) {
    pthread_t thread;
    void *result;

    start();
    lines = 0;
    thread = spawn(scan_and_say, NULL, 0);
    while (lines == 0)
        usleep(1000);
    CHECK(pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0);
    CHECK(result == PTHREAD_CANCELED && lines == 3);
}

void *scan_all(void *unused) {
    static const char *const names[] = {"noop", "panic", "nil", "gc", "format", "wait"};
    void *context;
    size_t i;

    CHECK(api->plugin_thread_init(&context) == 1);
    for (i = 0; i < sizeof names / sizeof *names; i++)
        scan(context, names[i]);
    CHECK(scan(context, "noop") == AVCHK_OK);
    CHECK(api->plugin_thread_close(&context) == 1);
    return unused;
}

void *scan_once(void *unused) {
    void *context;

    CHECK(api->plugin_thread_init(&context) == 1);
    CHECK(scan(context, "noop") == AVCHK_OK);
    CHECK(api->plugin_thread_close(&context) == 1);
    return unused;
}

static long resident(void) {
    long size = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    CHECK(f != NULL && fscanf(f, "%ld %ld", &size, &pages) == 2);
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void brief(const char *format, ...) {
    (void)format;
}

void check_stacks(void) {
    long before = 0;
    int i;

    load();
    CHECK(api->plugin_init(brief) == 1);
    pthread_join(spawn(scan_all, NULL, 16 * 1024), NULL);
    for (i = 0; i < 4000; i++) {
        pthread_join(spawn(scan_once, NULL, 16 * 1024), NULL);
        if (i == 1000)
            before = resident();
    }
    CHECK(resident() - before < 1024);
}

void check_engine(void) {
    char text[256];
    void *context = start();

    if (api->plugin_thread_test_file(context, "stack", NULL, NULL, 0, text, sizeof text) != AVCHK_OK) {
        fprintf(stderr, "%s\n", text);
        _exit(1);
    }
}

static char *logger_memory;

/* Takes its time, so that whoever doesn't wait for it finds it inside. */
static void log_to_memory(const char *format, ...) {
    (void)format;
    __atomic_add_fetch(&lines, 1, __ATOMIC_SEQ_CST);
    usleep(30000);
    memset(logger_memory, 1, 4096);
    __atomic_sub_fetch(&lines, 1, __ATOMIC_SEQ_CST);
}

static void end_of_logging(void) {
    munmap(logger_memory, 4096);
    usleep(50000);
}

void check_exit(void) {
    logger_memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    atexit(end_of_logging); /* before the load: runs after the library's own */
    load();
    set("Mode", "chatter");
    CHECK(api->plugin_init(log_to_memory) == 1);
    while (lines == 0)
        usleep(1000);
    exit(0);
}

/* After plugin_close no call of the callback runs, and none begins, whatever callback the next init brings.
 */
void check_logclose(void) {
    int i, others;

    logger_memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    load();
    set("Mode", "chatter");
    for (i = 0; i < 5; i++) {
        CHECK(api->plugin_init(log_to_memory) == 1);
        while (lines == 0)
            usleep(1000);
        CHECK(api->plugin_close() == 1 && lines == 0);
    }
    mprotect(logger_memory, 4096, PROT_NONE);
    set("Mode", "good");
    CHECK(api->plugin_init(log_line) == 1);
    others = lines;
    usleep(100000); /* the goroutines of the earlier rounds log all the while */
    CHECK(lines == others);
}

/* The host's own files may have taken the numbers of the standard ones. */
void check_descriptors(void) {
    char name[] = "/tmp/avir-host-XXXXXX";
    struct stat status;
    void *context;
    int i;

    for (i = 0; i < 3; i++)
        close(i);
    CHECK(mkstemp(name) == 0 && dup(0) == 1 && dup(0) == 2 && unlink(name) == 0);
    context = start();
    for (i = 0; i < 3; i++)
        CHECK(scan(context, "panic") == AVCHK_FAILED && scan(context, "noop") == AVCHK_OK);
    CHECK(api->plugin_close() == 1);
    CHECK(fstat(2, &status) == 0 && status.st_size == 0);
}
