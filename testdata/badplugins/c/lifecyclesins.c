/* The sins of the load, of plugin_init and plugin_close, and of threads. */
#define _GNU_SOURCE
#include "sins.h"

#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

const struct chosen chosen = {"avir-sin-chosen", NONE};

AV_LOG_CALLBACK_NEW sin_log;
pthread_mutex_t sin_lock = PTHREAD_MUTEX_INITIALIZER;
int *volatile sin_scratch;
volatile unsigned sin_scans;

/* A second plugin sees this name under RTLD_GLOBAL. */
AVIR_EXPORT int avir_sins_started;
int avir_sins_started;

/* More than the harness allows a plugin on this platform, and less than it has. */
#define HUGE_SIZE ((size_t)(sizeof(void *) == 4 ? 1100 : 2100) << 20)

#define SMALL_STACK 65536

static pid_t home; /* the process that called plugin_init */

void sin_blocks(void) {
    for (;;)
        pause();
}

static void swallow(int signal) {
    (void)signal;
    sin_blocks();
}

static void ignore(int signal) {
    (void)signal;
}

static __thread int has_stack; /* this thread was given one */

static void need_stack(int signal) {
    stack_t stack;
    (void)signal;
    if (has_stack && !sigaltstack(NULL, &stack) && !(stack.ss_flags & SS_ONSTACK))
        abort();
}

static void give_stack(void) {
    stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
    if (!has_stack)
        has_stack = !sigaltstack(&stack, NULL);
}

static void exit_in_child(void) {
    _exit(9);
}

int sin_in_child(void) {
    return home != 0 && home != getpid();
}

void sin_loses(unsigned size) {
    volatile char *memory = malloc(size);
    for (unsigned i = 0; memory && i < size; i++)
        memory[i] = 1;
}

/* The threads run nothing of this library, because they outlive its unloading. */
void sin_starts_threads(int count, const pthread_attr_t *attr) {
    void *(*forever)(void *);
    *(int (**)(void)) & forever = pause;
    for (int i = 0; i < count; i++) {
        pthread_t thread;
        if (pthread_create(&thread, attr, forever, NULL))
            abort();
    }
}

__attribute__((destructor)) static void at_exit(void) {
    if (SIN == ABORT_AT_EXIT && sin_scans > 1000)
        abort();
    if (SIN == HANG_AT_EXIT && sin_scans > 0)
        sin_blocks();
}

void sin_load(avir_plugin_extended_thread_iface *table, unsigned *version) {
    struct sigaction urgent = {.sa_handler = need_stack, .sa_flags = SA_ONSTACK | SA_RESTART};
    struct rlimit limit;
    sigset_t set;
    switch (SIN) {
    case WRONG_VERSION:
        if (version)
            *version = 1;
        break;
    case RESERVED_SLOT:
        table->reserved1 = table;
        break;
    case CHANGE_HANDLER:
        signal(SIGUSR1, ignore);
        break;
    case SWALLOW_FAULT:
        signal(SIGSEGV, swallow);
        break;
    case RESET_FAULT:
        signal(SIGSEGV, SIG_DFL);
        break;
    case TAKE_URGENT:
        signal(SIGURG, ignore);
        break;
    case ALTERNATE_STACK_ONCE:
        sigaction(SIGURG, &urgent, NULL);
        break;
    case CHANGE_MASK:
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
        break;
    case RAISE_LIMIT:
        getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
        break;
    case HUGE_MAPPING:
        if (mmap(NULL, HUGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) ==
            MAP_FAILED)
            abort();
        break;
    case EXIT_IN_CHILD:
        pthread_atfork(NULL, NULL, exit_in_child);
        break;
    default:
        break;
    }
}

/* Changes what belongs to the whole process. Returns 0 for any other sin. */
static int changes_process(void) {
    struct itimerval timer = {{0, 0}, {1000, 0}};
    switch (SIN) {
    case CHANGE_UMASK:
        umask(0);
        return 1;
    case CHANGE_DIRECTORY:
        return chdir("/") == 0;
    case CHANGE_LOCALE:
        return setlocale(LC_ALL, "C.UTF-8") != NULL;
    case CHANGE_ENVIRONMENT:
        return setenv("LANG", "C", 1) == 0;
    case CHANGE_PRIORITY:
        return setpriority(PRIO_PROCESS, (id_t)getpid(), 5) == 0;
    case CHANGE_DUMPABLE:
        return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
    case START_TIMER:
        return setitimer(ITIMER_REAL, &timer, NULL) == 0;
    case DISABLE_CANCEL_AT_INIT:
        return pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL) == 0;
    default:
        return 0;
    }
}

int sin_init(AV_LOG_CALLBACK_NEW log) {
    static int inits;
    pthread_attr_t small;
    sin_log = log;
    home = getpid();
    inits++;
    sin_scratch = calloc(1, sizeof *sin_scratch);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, SMALL_STACK);
    switch (SIN) {
    case BLOCK_IN_INIT:
        sin_blocks();
        break;
    case FAIL_SECOND_INIT:
        return inits == 1;
    case EXPORT_STATE:
        return !avir_sins_started++;
    case READ_ENVIRONMENT:
        return getenv("TMPDIR") == NULL || access(getenv("TMPDIR"), W_OK) == 0;
    case INHERITED_DESCRIPTOR:
        return open("/dev/null", O_RDONLY) >= 0;
    case WRITE_STDOUT:
        return write(1, "started\n", 8) == 8;
    case MANY_THREADS:
        sin_starts_threads(64, &small);
        break;
    case THREADS_IN_INIT:
        sin_starts_threads(1, &small);
        break;
    case DEFAULT_STACKS:
        sin_starts_threads(40, NULL);
        break;
    case LEAK_IN_INIT:
        sin_loses(400 * 1024);
        break;
    default:
        changes_process();
        break;
    }
    return 1;
}

void sin_close(void) {
    if (SIN == BLOCK_IN_CLOSE)
        sin_blocks();
    if (SIN == EXPORT_STATE)
        avir_sins_started = 0;
    if (SIN == FREE_UNDER_SCANS)
        sin_scratch = NULL;
    if (SIN == CHANGE_NAME) /* the main thread's is the process's */
        prctl(PR_SET_NAME, "plugin", 0, 0, 0);
    if (SIN == OK_WHILE_CLOSING)
        usleep(100000);
}

/* Moves the host's handlers to an alternate stack that is too small for them. */
static void small_alternate_stack(void) {
    stack_t stack = {.ss_sp = malloc(8192), .ss_size = 8192};
    sigaltstack(&stack, NULL);
    for (int i = 1; i < NSIG; i++) {
        struct sigaction action;
        if (sigaction(i, NULL, &action) || action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN)
            continue;
        action.sa_flags |= SA_ONSTACK;
        sigaction(i, &action, NULL);
    }
}

void sin_thread(void) {
    if (SIN == SMALL_ALTERNATE_STACK)
        small_alternate_stack();
    if (SIN == ALTERNATE_STACK_ONCE)
        give_stack();
    if (SIN == LEAK_IN_THREAD)
        sin_loses(1024);
    if (SIN == MAP_IN_THREAD)
        mmap(NULL, 260 * 1024, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

void sin_message(void) {
    if (SIN == LOCK_IN_LOG) {
        pthread_mutex_lock(&sin_lock);
        pthread_mutex_unlock(&sin_lock);
    }
}
