/*
 * A host may ignore SIGCHLD or wait for any child, so the program can't be its
 * child. Between the two stands the waiter: a process whose end sends no
 * signal and which an ordinary wait() doesn't see. It starts the program with
 * nothing of the host's but the three descriptors, waits for it, kills its
 * process group when the host doesn't want it any more or is gone, and reports
 * through a pipe.
 *
 * The waiter shares the host's memory, as after vfork(), because a copy would
 * cost time and memory in a large host. So it may not call functions of libc
 * that change anything: it makes system calls only.
 */
#define _GNU_SOURCE
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rawcall.h"

#ifndef SYS_close_range
#define SYS_close_range 436 /* Linux 5.9, the same number on both machines */
#endif

enum {
    STACK = 32 * 1024,
    SIGNALS = 64,
    MASK = 8,   /* bytes of the kernel's signal mask */
    STATUS = 3, /* the waiter's descriptors */
    LIFELINE = 4,
    FIRST_OTHER = 5,
    ABOVE = 64,         /* where descriptors are out of the way */
    HIGHEST = 65536,    /* closed one by one where the kernel can't close a range */
    TIMER_SLACK = 50000 /* ns, the kernel's default; Go's threads have more */
};

struct program {
    char waiter_stack[STACK], program_stack[STACK];
    struct avir_descriptors descriptors;
    const char *path, *directory;
    char **arguments, **environment;
    volatile int error; /* of the process that could not become the program */
    size_t size;        /* of all this memory */
};

static const unsigned char nothing[32]; /* as a mask, no signal; as an action, the default */

static void finish(int status) {
    for (;;)
        RAW(SYS_exit_group, status, 0, 0);
}

/* Runs in the process that becomes the program. The waiter is stopped meanwhile. */
static void become_program(void *data) {
    struct program *program = data;
    long result;

    RAW(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0); /* should somebody kill the waiter */
    RAW(SYS_prctl, PR_SET_TIMERSLACK, TIMER_SLACK, 0);
    RAW(SYS_setpgid, 0, 0, 0);
    result = RAW(SYS_chdir, program->directory, 0, 0);
    raw(SYS_rt_sigprocmask, SIG_SETMASK, (long)nothing, 0, MASK, 0);
    if (result == 0)
        result = RAW(SYS_execve, program->path, program->arguments, program->environment);
    program->error = (int)-result;
    finish(127);
}

static void close_others(void) {
    int i;

    if (RAW(SYS_close_range, FIRST_OTHER, ~0U, 0) == 0)
        return;
    for (i = FIRST_OTHER; i < HIGHEST; i++)
        RAW(SYS_close, i, 0, 0);
}

/* Moves the five descriptors to 0 to 4, first out of each other's way. Returns 0 or a negative errno value.
 */
static long arrange_descriptors(const struct avir_descriptors *from) {
    int numbers[] = {from->in, from->out, from->err, from->status, from->lifeline};
    long result;
    int i;

    for (i = 0; i < FIRST_OTHER; i++) {
        result = RAW(SYS_fcntl, numbers[i], F_DUPFD, ABOVE);
        if (result < 0)
            return result;
        numbers[i] = (int)result;
    }
    for (i = 0; i < FIRST_OTHER; i++) {
        result = RAW(SYS_dup2, numbers[i], i, 0);
        if (result < 0)
            return result;
    }
    RAW(SYS_fcntl, STATUS, F_SETFD, FD_CLOEXEC);
    RAW(SYS_fcntl, LIFELINE, F_SETFD, FD_CLOEXEC);
    close_others();
    return 0;
}

static void use_default_actions(void) {
    int number;

    for (number = 1; number <= SIGNALS; number++)
        raw(SYS_rt_sigaction, number, (long)nothing, 0, MASK, 0);
}

/* A descriptor that can be read when a child has ended. */
static long watch_children(void) {
    const uint64_t child = (uint64_t)1 << (SIGCHLD - 1);

    return raw(SYS_signalfd4, -1, (long)&child, MASK, O_CLOEXEC, 0);
}

/* Waits for the program, and leaves nothing of its process group. */
static int wait_for(long program, int children) {
    struct pollfd events[2] = {{children, POLLIN, 0}, {LIFELINE, POLLIN, 0}};
    siginfo_t info;
    char signal[128];
    int status = 0;

    do {
        RAW(SYS_poll, events, 2, -1);
        if (events[1].revents != 0)
            break;
        if (events[0].revents != 0)
            RAW(SYS_read, children, signal, sizeof signal);
        info.si_pid = 0;
        raw(SYS_waitid, P_PID, program, (long)&info, WEXITED | WNOHANG | WNOWAIT, 0);
    } while (info.si_pid == 0);
    /* Before the program is reaped, so that no other group can have its number. */
    RAW(SYS_kill, -program, SIGKILL, 0);
    while (raw(SYS_wait4, program, (long)&status, 0, 0, 0) == -EINTR)
        ;
    return status;
}

static void report(long error, int status) {
    struct avir_outcome outcome = {(int)-error, status};

    RAW(SYS_write, STATUS, &outcome, sizeof outcome);
    finish(0);
}

/* Runs with all signals blocked, in a process of its own. */
static void wait_and_report(void *data) {
    struct program *program = data;
    long child, children, result;
    int i, status;

    result = arrange_descriptors(&program->descriptors);
    if (result < 0)
        finish(1); /* there is no status pipe: its end says that much */
    use_default_actions();
    children = watch_children();
    if (children < 0)
        report(children, 0);
    child =
        raw_clone(CLONE_VM | CLONE_VFORK | SIGCHLD, program->program_stack + STACK, become_program, program);
    if (child < 0)
        report(child, 0);
    for (i = 0; i < STATUS; i++)
        RAW(SYS_close, i, 0, 0);
    status = wait_for(child, (int)children);
    report(-program->error, status);
}

static char **fill_list(char **list, int count, char **text) {
    int i;

    for (i = 0; i < count; i++) {
        list[i] = *text;
        *text += strlen(*text) + 1;
    }
    list[count] = NULL;
    return list + count + 1;
}

static struct program *make_program(const char *texts, size_t size, int args, int envs) {
    size_t lists = ((size_t)args + (size_t)envs + 2) * sizeof(char *);
    size_t total = sizeof(struct program) + lists + size;
    struct program *program;
    char **list, *text;

    program = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (program == MAP_FAILED)
        return NULL;
    program->size = total;
    list = (char **)(program + 1);
    text = memcpy((char *)list + lists, texts, size);
    program->path = text;
    text += strlen(text) + 1;
    program->directory = text;
    text += strlen(text) + 1;
    program->arguments = list;
    program->environment = list = fill_list(list, args, &text);
    fill_list(list, envs, &text);
    return program;
}

int avir_start(const char *texts, size_t size, int args, int envs, const struct avir_descriptors *descriptors,
               void **memory) {
    struct program *program = make_program(texts, size, args, envs);
    sigset_t all, before;
    long waiter;

    if (program == NULL)
        return -ENOMEM;
    program->descriptors = *descriptors;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    /* No signal at its end, so that only who asks for such children sees it. */
    waiter = raw_clone(CLONE_VM, program->waiter_stack + STACK, wait_and_report, program);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (waiter < 0)
        munmap(program, program->size);
    else
        *memory = program;
    return (int)waiter;
}

void avir_end(int waiter, void *memory) {
    struct program *program = memory;

    while (waitpid(waiter, NULL, __WALL) < 0 && errno == EINTR)
        ;
    munmap(program, program->size);
}
