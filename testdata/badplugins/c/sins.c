#define _GNU_SOURCE
#include "sins.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static AV_LOG_CALLBACK_NEW log_line;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile unsigned scans;
static int *volatile scratch;

/* A name of its own would be seen by a second plugin under RTLD_GLOBAL. */
AVIR_EXPORT int avir_sins_started;
int avir_sins_started;

/* More than the harness allows a plugin on this platform, and less than it has. */
#define HUGE_SIZE ((size_t)(sizeof(void *) == 4 ? 1100 : 2100) << 20)

static void forever(void) {
    for (;;)
        pause();
}

static void *wait_forever(void *unused) {
    forever();
    return unused;
}

static void swallow(int signal) {
    (void)signal;
    forever();
}

static void ignore(int signal) {
    (void)signal;
}

static void start_threads(int count, const pthread_attr_t *attr) {
    for (int i = 0; i < count; i++) {
        pthread_t thread;
        if (pthread_create(&thread, attr, wait_forever, NULL))
            abort();
    }
}

__attribute__((destructor)) static void at_exit(void) {
    if (SIN == ABORT_AT_EXIT && scans > 1000)
        abort();
}

void sin_load(avir_plugin_extended_thread_iface *table, unsigned *version) {
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
    default:
        break;
    }
}

int sin_init(AV_LOG_CALLBACK_NEW log) {
    static int inits;
    pthread_attr_t attr;
    log_line = log;
    inits++;
    scratch = calloc(1, sizeof *scratch);
    switch (SIN) {
    case BLOCK_IN_INIT:
        forever();
        break;
    case FAIL_SECOND_INIT:
        return inits == 1;
    case EXPORT_STATE:
        return !avir_sins_started++;
    case READ_ENVIRONMENT:
        return getenv("TMPDIR") == NULL || access(getenv("TMPDIR"), W_OK) == 0;
    case CHANGE_UMASK:
        umask(0);
        break;
    case CHANGE_DIRECTORY:
        return chdir("/") == 0;
    case CHANGE_LOCALE:
        setlocale(LC_ALL, "C.UTF-8");
        break;
    case CHANGE_ENVIRONMENT:
        setenv("LANG", "C", 1);
        break;
    case INHERITED_DESCRIPTOR:
        return open("/dev/null", O_RDONLY) >= 0;
    case WRITE_STDOUT:
        return write(1, "started\n", 8) == 8;
    case MANY_THREADS:
        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, 65536);
        start_threads(64, &attr);
        break;
    case DEFAULT_STACKS:
        start_threads(40, NULL);
        break;
    default:
        break;
    }
    return 1;
}

void sin_close(void) {
    if (SIN == BLOCK_IN_CLOSE)
        forever();
    if (SIN == EXPORT_STATE)
        avir_sins_started = 0;
    if (SIN == FREE_UNDER_SCANS)
        scratch = NULL;
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

/* Takes memory, uses it, and forgets it. */
static void lose(size_t size) {
    char *volatile memory = malloc(size);
    if (memory)
        memset(memory, 1, size);
}

void sin_thread(void) {
    if (SIN == SMALL_ALTERNATE_STACK)
        small_alternate_stack();
    if (SIN == LEAK_IN_THREAD)
        lose(1024);
}

void sin_message(void) {
    if (SIN == LOCK_IN_LOG) {
        pthread_mutex_lock(&lock);
        pthread_mutex_unlock(&lock);
    }
}

static void big_stack(void) {
    volatile char buffer[64 * 1024];
    for (unsigned i = 0; i < sizeof buffer; i += 512)
        buffer[sizeof buffer - 1 - i] = 0;
}

/* Holds the lock long enough to be caught with it. */
static void scan_locked(void) {
    pthread_mutex_lock(&lock);
    usleep(200); /* a cancellation point */
    pthread_mutex_unlock(&lock);
}

void sin_before_scan(const char *path) {
    __sync_fetch_and_add(&scans, 1);
    switch (SIN) {
    case CRASH_IN_SCAN:
        raise(SIGSEGV);
        break;
    case HANG_IN_SCAN:
        forever();
        break;
    case EXIT_IN_SCAN:
        exit(3);
    case EXIT_THREAD:
        pthread_exit(NULL);
    case BIG_STACK:
        big_stack();
        break;
    case LOCK_OVER_CANCEL:
    case LOCK_OVER_FORK:
        scan_locked();
        break;
    case LEAK_MEMORY:
        lose(100);
        break;
    case LEAK_DESCRIPTOR:
        if (scans % 64 == 0)
            open(path, O_RDONLY | O_CLOEXEC);
        break;
    case FREE_UNDER_SCANS:
        ++*scratch;
        break;
    case LEAVE_GROUP:
        setpgid(0, getpgid(getppid()));
        forever();
        break;
    case LEAVE_PROCESS:
        if (scans == 1 && fork() == 0) {
            signal(SIGTERM, SIG_IGN);
            sleep(600);
            _exit(0);
        }
        break;
    case WRITE_STDERR:
        dprintf(2, "scanning %s\n", path);
        break;
    default:
        break;
    }
}

int sin_after_scan(int result, const char *path, char *vir_info, unsigned size) {
    switch (SIN) {
    case RETURN_7:
        return 7;
    case RETURN_ERROR:
        return result == AVCHK_FAILED ? AVCHK_ERROR : result;
    case OK_FOR_MISSING:
        return result == AVCHK_FAILED ? AVCHK_OK : result;
    case PAST_VIR_INFO:
        if (vir_info && result == AVCHK_VIRUS_FOUND)
            memset(vir_info, 'x', size + 32);
        break;
    case NO_TERMINATOR:
        if (vir_info && result == AVCHK_VIRUS_FOUND)
            memset(vir_info, 'x', size);
        break;
    case NOT_ASCII:
        if (vir_info && size > 4 && result == AVCHK_VIRUS_FOUND)
            memcpy(vir_info, "\xC4\x8D", 2);
        break;
    case GIVE_UP_ON_SIGNAL:
        if (usleep(2000))
            return AVCHK_FAILED;
        break;
    case LEAK_INFECTED:
        if (result == AVCHK_VIRUS_FOUND)
            lose(400);
        break;
    case STOP_SCANNING:
        return scans > 500 ? AVCHK_FAILED : result;
    case UNNAMED:
        if (vir_info && size)
            *vir_info = 0;
        break;
    case NEW_SYSCALL: /* getrandom, Linux 3.17 */
        if (syscall(SYS_getrandom, vir_info, 0, 0) < 0)
            return AVCHK_FAILED;
        break;
    case LOG_FORMAT:
        if (log_line)
            log_line(path);
        break;
    case LOG_BINARY:
        if (log_line)
            log_line("ERR: %s\n", path);
        break;
    case LOCK_IN_LOG:
        pthread_mutex_lock(&lock);
        if (log_line)
            log_line("%s", "scanned");
        pthread_mutex_unlock(&lock);
        break;
    default:
        break;
    }
    return result;
}
