/*
 * What happens around the start of the Go runtime, which is itself one of the
 * constructors that dlopen runs: begin() comes before it because of its
 * priority, end() after it because Go's object is the first of the link.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host.h"

#ifdef SYS_ugetrlimit
#define GETRLIMIT SYS_ugetrlimit /* i386: the older call stops at 2 GiB */
#else
#define GETRLIMIT SYS_getrlimit
#endif

enum {
    PATIENCE = 2000, /* ms for Go's start, which takes some 5 */
    HIDDEN = 16,     /* environment entries that can be hidden */
    HOST_SHARE = 128 << 20,
    GO_TIMER_SLACK = 1000 * 1000 /* ns */
};

/*
 * Where the address space is limited, Go takes the largest of 512, 256 and 128
 * MB that fits, and leaves the host too little for the stack of a thread. What
 * is kept here during Go's start is what the host has left at least.
 */
static struct {
    void *start;
    size_t size;
} host_share;

static void keep_host_share(void) {
    struct rlimit space;
    size_t size;

    if (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur == RLIM_INFINITY)
        return;
    for (size = HOST_SHARE; size >= HOST_SHARE / 4; size /= 2) {
        /* Twice as much must be there, so that Go's own start does not fail. */
        void *start = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (start == MAP_FAILED)
            continue;
        munmap((char *)start + size, size);
        host_share.start = start;
        host_share.size = size;
        return;
    }
}

static void give_host_share(void) {
    if (host_share.size != 0)
        munmap(host_share.start, host_share.size);
    host_share.size = 0;
}

/* These are read by the Go runtime, and a bad value kills the process. */
static const char *const poison[] = {
    "GODEBUG=", "GOGC=", "GOMAXPROCS=", "GOMEMLIMIT=", "GOTRACEBACK=",
};

static struct {
    char **slot;
    char *value;
} hidden[HIDDEN];

static int hidden_count;
static sigset_t mask;
/* The kernel's own layout: its calls, not glibc's, which need prlimit (Linux 2.6.36) in new releases. */
static struct { unsigned long soft, hard; } files;
static struct sigaction broken_pipe;
static int files_known, pipe_ignored, ready;

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

/*
 * Hides an entry of the process's start environment, which is where Go looks:
 * the words after argv, whatever setenv has done since. Single words are
 * changed, so that other threads never see a torn list.
 */
static void hide(char **slot) {
    static char nothing[4];
    size_t i;

    for (i = 0; i < sizeof poison / sizeof *poison; i++) {
        if (strncmp(*slot, poison[i], strlen(poison[i])) != 0)
            continue;
        if (hidden_count == HIDDEN)
            return;
        hidden[hidden_count].slot = slot;
        hidden[hidden_count].value = *slot;
        hidden_count++;
        *slot = nothing;
        return;
    }
}

static void unhide(void) {
    while (hidden_count > 0) {
        hidden_count--;
        *hidden[hidden_count].slot = hidden[hidden_count].value;
    }
}

__attribute__((constructor(101))) static void begin(int argc, char **argv, char **envp) {
    char **slot;

    (void)envp;
    avir_fork_watch();
    avir_find_pthread_create();
    avir_find_pthread_attr_getstacksize();
    if (in_program())
        return;
    if (argv != NULL)
        for (slot = argv + argc + 1; *slot != NULL; slot++)
            hide(slot);
    files_known = syscall(GETRLIMIT, RLIMIT_NOFILE, &files) == 0;
    pipe_ignored = sigaction(SIGPIPE, NULL, &broken_pipe) == 0 && broken_pipe.sa_handler == SIG_IGN;
    keep_host_share();
    timer_slack = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
    if (timer_slack > 0)
        prctl(PR_SET_TIMERSLACK, GO_TIMER_SLACK, 0, 0, 0);
    /* Go's first thread, made before end(), and those that it makes inherit this. */
    avir_block_signals(&mask);
}

static int is_ready(void) {
    return __atomic_load_n(&ready, __ATOMIC_ACQUIRE);
}

__attribute__((constructor)) static void end(void) {
    int cancel_state;

    if (in_program())
        return;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    /*
     * Go has read the environment once it is ready. It is not within the time
     * on glibc 2.34.0, where no thread can be made during dlopen; then Go goes
     * on after it, but it is past that point by far.
     */
    avir_wait(is_ready, PATIENCE);
    give_host_share();
    if (timer_slack > 0)
        prctl(PR_SET_TIMERSLACK, timer_slack, 0, 0, 0);
    unhide();
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
    if (pipe_ignored) /* Go needs no handler where the host has none */
        sigaction(SIGPIPE, &broken_pipe, NULL);
    __atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
}
