/*
 * The system calls that each scan makes, in one piece: on its way back from
 * the kernel a processor forgets where functions return to, so that each
 * function around such a call costs 20 ns, and glibc's wrappers a third of
 * what they wrap. On i386 glibc knows the fastest way into the kernel.
 */
#ifndef AVIR_KERNELCALL_H
#define AVIR_KERNELCALL_H

#include <signal.h>
#include <sys/syscall.h>

#include "host.h"

#ifdef __x86_64__

static inline long avir_kernel_call(long number, const void *a, const void *b, const void *c, long d) {
    register long r10 __asm__("r10") = d;
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}

/* Of *old the kernel writes 8 bytes, which hold all signals; glibc's type is longer. */
static inline void avir_sigmask(int how, const sigset_t *set, sigset_t *old) {
    avir_kernel_call(SYS_rt_sigprocmask, (void *)(long)how, set, old, 8);
}

static inline int avir_sigaltstack(const stack_t *stack, stack_t *old) {
    return (int)avir_kernel_call(SYS_sigaltstack, stack, old, NULL, 0);
}

#else

static inline void avir_sigmask(int how, const sigset_t *set, sigset_t *old) {
    pthread_sigmask(how, set, old);
}

static inline int avir_sigaltstack(const stack_t *stack, stack_t *old) {
    return sigaltstack(stack, old);
}

#endif

/*
 * Blocks what the host may send itself, so that its handlers never run on a
 * goroutine's small stack. The signals of a broken program keep the state that
 * the host gave them, except those that Go needs.
 */
static inline void avir_block_signals(sigset_t *old) {
    avir_sigmask(SIG_BLOCK, &avir_asynchronous, old);
    avir_unblock_what_go_needs(old);
}

/* Makes sure that this thread has an alternate stack on which Go's handlers can run. */
static inline void avir_lend_sigstack(struct avir_thread *thread) {
    stack_t stack;

    if (avir_sigaltstack(NULL, &stack) == 0 && !(stack.ss_flags & SS_ONSTACK))
        avir_replace_sigstack(thread, &stack);
}

#endif
