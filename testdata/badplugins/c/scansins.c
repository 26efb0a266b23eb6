/* The sins of a scan. */
#define _GNU_SOURCE
#include "sins.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((noinline)) static void big_stack(void) {
    volatile char buffer[64 * 1024];
    for (unsigned i = 0; i < sizeof buffer; i += 512)
        buffer[sizeof buffer - 1 - i] = 0;
}

/* Holds the lock long enough to be caught with it. */
static void scan_locked(void) {
    pthread_mutex_lock(&sin_lock);
    usleep(200); /* a cancellation point */
    pthread_mutex_unlock(&sin_lock);
}

static void leave_a_process(void) {
    if (fork() != 0)
        return;
    signal(SIGTERM, SIG_IGN);
    sleep(600);
    _exit(0);
}

static void start_a_thread(void) {
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 65536);
    sin_starts_threads(1, &small);
}

void sin_before_scan(const char *path) {
    unsigned scans = __sync_add_and_fetch(&sin_scans, 1);
    switch (SIN) {
    case CRASH_IN_SCAN:
        raise(SIGSEGV);
        break;
    case CRASH_IN_CHILD:
        if (sin_in_child())
            abort();
        break;
    case HANG_IN_SCAN:
        sin_blocks();
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
    case DISABLE_CANCEL:
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
        break;
    case LEAK_MEMORY:
        sin_loses(500); /* well above the limit, also where a busy machine affords few scans */
        break;
    case LEAK_DESCRIPTOR:
        if (scans % 64 == 0)
            open(path, O_RDONLY | O_CLOEXEC);
        break;
    case LEAK_THREADS:
        if (scans % 128 == 0)
            start_a_thread();
        break;
    case FREE_UNDER_SCANS:
        ++*sin_scratch;
        break;
    case LEAVE_GROUP:
        setpgid(0, getpgid(getppid()));
        sin_blocks();
        break;
    case LEAVE_PROCESS:
        if (scans == 1)
            leave_a_process();
        break;
    case WRITE_STDERR:
        dprintf(2, "scanning %s\n", path);
        break;
    default:
        break;
    }
}

/* Its child has ended, and perhaps the host has waited for it. */
static int run_program(void) {
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    usleep(20000);
    return waitpid(child, &status, 0) == child;
}

/* Copies a name as a plugin does that gets it from a server. */
int sin_reads_into(char *vir_info) {
    static const char name[] = "Eicar";
    int ends[2], copied = 0;
    if (pipe2(ends, O_CLOEXEC))
        return 0;
    if (write(ends[1], name, sizeof name) == sizeof name)
        copied = read(ends[0], vir_info, sizeof name) == sizeof name;
    close(ends[0]);
    close(ends[1]);
    return copied;
}

/* Answers what is not true. */
static int wrong_result(int result, const char *path, char *vir_info, unsigned size) {
    switch (SIN) {
    case RETURN_7:
        return 7;
    case RETURN_CURED:
        return result == AVCHK_VIRUS_FOUND ? AVCHK_VIRUS_CURED : result;
    case RETURN_ERROR:
        return result == AVCHK_FAILED ? AVCHK_ERROR : result;
    case OK_FOR_MISSING:
        return result == AVCHK_FAILED ? AVCHK_OK : result;
    case OK_FOR_ENCRYPTED:
        return result == AVCHK_IMPOSSIBLE ? AVCHK_OK : result;
    case OK_FOR_LONG_PATH:
        return strlen(path) > 4096 ? AVCHK_OK : result;
    case RUN_PROGRAM:
        return run_program() ? result : AVCHK_FAILED;
    case STOP_SCANNING:
        return sin_scans > 500 ? AVCHK_FAILED : result;
    case FAIL_IN_SMALL_ROOM:
        return size < 16 ? AVCHK_FAILED : result;
    case GIVE_UP_ON_SIGNAL:
        return usleep(2000) ? AVCHK_FAILED : result;
    case NEW_SYSCALL: /* getrandom, Linux 3.17 */
        return syscall(SYS_getrandom, vir_info, 0, 0) < 0 ? AVCHK_FAILED : result;
    default:
        return result;
    }
}

/* Spoils the name of a virus. */
static void wrong_text(char *vir_info, unsigned size) {
    switch (SIN) {
    case PAST_VIR_INFO:
        memset(vir_info, 'x', size + 32);
        break;
    case NO_TERMINATOR:
        memset(vir_info, 'x', size);
        break;
    case NOT_ASCII:
        if (size > 4)
            memcpy(vir_info, "\xC4\x8D", 2);
        break;
    case DEL_IN_TEXT:
        if (size > 4)
            *vir_info = 0x7F;
        break;
    case WRONG_CUT:
        if (size > 1 && size < 16)
            strcpy(vir_info, "?");
        break;
    case UNNAMED:
        if (size)
            *vir_info = 0;
        break;
    default:
        break;
    }
}

/* Logs the whole path, but printable. */
static void log_long(const char *path) {
    char text[4096];
    size_t n = 0;
    for (; path[n] && n < sizeof text - 1; n++)
        text[n] = path[n] < ' ' || path[n] > '~' ? '?' : path[n];
    text[n] = 0;
    sin_log("%s", text);
}

static void wrong_log(const char *path) {
    switch (SIN) {
    case LOG_FORMAT:
        sin_log(path);
        break;
    case LOG_BINARY:
        sin_log("ERR: %s\n", path);
        break;
    case LOG_LONG:
        log_long(path);
        break;
    case LOCK_IN_LOG:
        pthread_mutex_lock(&sin_lock);
        sin_log("%s", "scanned");
        pthread_mutex_unlock(&sin_lock);
        break;
    default:
        break;
    }
}

int sin_after_scan(int result, const char *path, char *vir_info, unsigned size) {
    if (result == AVCHK_VIRUS_FOUND && SIN == LEAK_INFECTED)
        sin_loses(400);
    if (result == AVCHK_VIRUS_FOUND && vir_info)
        wrong_text(vir_info, size);
    if (sin_log)
        wrong_log(path);
    return wrong_result(result, path, vir_info, size);
}
