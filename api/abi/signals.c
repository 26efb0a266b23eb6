#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <time.h>

#include "host.h"

/* Made once, because each call would take longer to make it than to use it. */
sigset_t avir_asynchronous;

void avir_make_signal_set(void) {
    static const int kept[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGURG};
    size_t i;

    sigfillset(&avir_asynchronous); /* glibc leaves its own two signals out */
    for (i = 0; i < sizeof kept / sizeof *kept; i++)
        sigdelset(&avir_asynchronous, kept[i]);
}

#define BIT(number) (1UL << ((number)-1))
#define NEEDED (BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGFPE) | BIT(SIGURG))

/* The signals up to 32 as bits, which is how the kernel and glibc keep them. */
static unsigned long low_signals(const sigset_t *set) {
    unsigned long bits;

    memcpy(&bits, set, sizeof bits);
    return bits;
}

/*
 * Go turns faults into panics and interrupts loops with SIGURG for its
 * collector. A fault that happens while its signal is blocked ends the process,
 * whatever the handler, so these signals must not be blocked while Go runs.
 *
 * A fault's signal that is pending was sent by somebody and must not reach Go:
 * it stays blocked. A pending SIGURG may be Go's own, from the end of an
 * earlier call.
 */
void avir_unblock_what_go_needs(const sigset_t *host) {
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE};
    sigset_t needed, pending;
    size_t i;

    if ((low_signals(host) & NEEDED) == 0 || sigpending(&pending) != 0)
        return;
    sigemptyset(&needed);
    sigaddset(&needed, SIGURG);
    for (i = 0; i < sizeof faults / sizeof *faults; i++)
        if (!sigismember(&pending, faults[i]))
            sigaddset(&needed, faults[i]);
    pthread_sigmask(SIG_UNBLOCK, &needed, NULL);
}

/* Does the host ignore SIGPIPE, as a server should? Looked at on each thread's first call. */
static int pipe_ignored;

/*
 * An inline scan that writes to a broken connection leaves a SIGPIPE pending,
 * which would kill the host or surprise its handler once it is unblocked. None
 * can have been pending before where the host has it unblocked.
 */
void avir_drop_broken_pipe(const sigset_t *host) {
    const struct timespec at_once = {0, 0};
    sigset_t set;
    int err = errno;

    if (__atomic_load_n(&pipe_ignored, __ATOMIC_RELAXED) || sigismember(host, SIGPIPE))
        return;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    sigtimedwait(&set, NULL, &at_once);
    errno = err;
}

/*
 * On i386 glibc takes this flag, which another runtime's handler may have, and
 * not the address that goes with it. Without it the kernel brings its own.
 */
#define SA_RESTORER 0x04000000

/*
 * Makes handlers that the host has installed since the load run on the
 * alternate stacks of threads that have one. Go did the same at the load.
 *
 * Another thread may install a handler between the reading and the writing:
 * whatever was not expected to be replaced is written once more.
 */
void avir_handlers_on_stack(void) {
    struct sigaction action, expected, replaced;
    int number;

    for (number = 1; number < NSIG; number++) {
        if (sigaction(number, NULL, &action) != 0)
            continue; /* no such signal, or one of glibc's own */
        if (number == SIGPIPE)
            __atomic_store_n(&pipe_ignored, action.sa_handler == SIG_IGN, __ATOMIC_RELAXED);
        if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN)
            continue;
        if (action.sa_flags & SA_ONSTACK)
            continue;
        for (expected = action;; expected = action, action = replaced) {
            action.sa_flags = (action.sa_flags | SA_ONSTACK) & ~SA_RESTORER;
            if (sigaction(number, &action, &replaced) != 0 || replaced.sa_handler == expected.sa_handler)
                break;
        }
    }
}
