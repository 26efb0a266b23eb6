/*
 * What happens around the start of the Go runtime, which is itself one of the
 * constructors that dlopen runs: before_go comes before it because of its
 * priority, after_go after it because Go's object is the first of the link.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernelcall.h"

#ifdef SYS_ugetrlimit
#define GETRLIMIT SYS_ugetrlimit /* i386: the older call stops at 2 GiB */
#else
#define GETRLIMIT SYS_getrlimit
#endif

enum {
    PATIENCE = 2000,             /* ms for Go's start, which takes some 5 */
    GO_TIMER_SLACK = 1000 * 1000 /* ns */
};

static sigset_t mask;
/* The kernel's own layout: its calls, not glibc's, which need prlimit (Linux 2.6.36) in new releases. */
static struct { unsigned long soft, hard; } files;
static struct sigaction broken_pipe;
static int files_known, pipe_known, ready;

/*
 * Go's monitor thread wakes up every 20 us while anything runs, which took
 * two fifths of the plugin's processor time. Go's threads inherit this slack,
 * and the kernel then lets the monitor sleep up to a millisecond longer.
 */
static long timer_slack;

extern const ElfW(Ehdr) __ehdr_start __attribute__((weak, visibility("hidden")));

/*
 * In the author's own tests this package is part of a program. There Go is
 * started by main, after all constructors, and nothing needs guarding.
 */
static int in_program(void) {
    const ElfW(Phdr) * header;
    int i;

    if (&__ehdr_start == NULL)
        return 1;
    header = (const void *)((const char *)&__ehdr_start + __ehdr_start.e_phoff);
    for (i = 0; i < __ehdr_start.e_phnum; i++)
        if (header[i].p_type == PT_INTERP)
            return 1;
    return 0;
}

__attribute__((constructor(101))) static void before_go(int argc, char **argv, char **envp) {
    (void)envp;
    avir_fork_watch();
    avir_make_signal_set();
    avir_find_pthread_create();
    avir_find_pthread_attr_getstacksize();
    if (in_program())
        return;
    if (argv != NULL) {
        avir_hide_environment(argv, argc);
        avir_read_frame_size(argv, argc);
    }
    files_known = syscall(GETRLIMIT, RLIMIT_NOFILE, &files) == 0;
    pipe_known = sigaction(SIGPIPE, NULL, &broken_pipe) == 0;
    avir_remember_host_handlers();
    avir_reserve_host_share();
    timer_slack = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
    if (timer_slack > 0)
        prctl(PR_SET_TIMERSLACK, GO_TIMER_SLACK, 0, 0, 0);
    /* Go's first thread, made before after_go runs, and those that it makes inherit this mask. */
    avir_block_signals(&mask);
}

static int is_ready(void) {
    return __atomic_load_n(&ready, __ATOMIC_ACQUIRE);
}

__attribute__((constructor)) static void after_go(void) {
    int cancel_state;

    if (in_program())
        return;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    /*
     * Go has read the environment once it is ready. On glibc 2.34.0 no thread
     * starts during dlopen, so this wait times out; Go's start then goes on
     * after dlopen, but Go has read the environment by now.
     */
    avir_wait(is_ready, PATIENCE);
    avir_release_host_share();
    if (timer_slack > 0)
        prctl(PR_SET_TIMERSLACK, timer_slack, 0, 0, 0);
    avir_unhide_environment();
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    pthread_setcancelstate(cancel_state, NULL);
}

/*
 * Undoes what Go's start did to the process. Runs on Go's thread.
 */
void avir_go_is_ready(void) {
    /* Go raises the soft limit, which children and users of select() inherit. */
    if (files_known)
        syscall(SYS_setrlimit, RLIMIT_NOFILE, &files);
    if (pipe_known) /* Go needs no handler: signals.c drops what a call leaves */
        sigaction(SIGPIPE, &broken_pipe, NULL);
    avir_share_handlers();
    __atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
}
