#define _GNU_SOURCE
#include "host.h"

/*
 * Blocks what the host may send itself, so that its handlers never run on a
 * goroutine's small stack. Left alone are the faults, which Go turns into
 * panics, and SIGURG, with which Go interrupts loops for its collector.
 */
void avir_block_signals(sigset_t *old) {
    sigset_t set;

    sigfillset(&set); /* glibc leaves its own two signals out */
    sigdelset(&set, SIGSEGV);
    sigdelset(&set, SIGBUS);
    sigdelset(&set, SIGFPE);
    sigdelset(&set, SIGILL);
    sigdelset(&set, SIGTRAP);
    sigdelset(&set, SIGABRT);
    sigdelset(&set, SIGSYS);
    sigdelset(&set, SIGURG);
    pthread_sigmask(SIG_BLOCK, &set, old);
}

/*
 * Makes handlers that the host has installed since the load run on the
 * alternate stacks of threads that have one. Go did the same at the load.
 */
void avir_handlers_on_stack(void) {
    struct sigaction action;
    int number;

    for (number = 1; number < NSIG; number++) {
        if (sigaction(number, NULL, &action) != 0)
            continue; /* no such signal, or one of glibc's own */
        if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN)
            continue;
        if (action.sa_flags & SA_ONSTACK)
            continue;
        action.sa_flags |= SA_ONSTACK;
        sigaction(number, &action, NULL);
    }
}
