/*
 * System calls that leave errno alone: the waiter and the program's process
 * share it, as all memory, with a thread of the host.
 */
#ifndef AVIR_RAWCALL_H
#define AVIR_RAWCALL_H

#include <stdint.h>
#include <sys/syscall.h>

/* Returns the result, or a negative errno value. */
static inline long raw(long number, long a, long b, long c, long d, long e) {
    long result;
#ifdef __x86_64__
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
#else
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
                     : "memory");
#endif
    return result;
}

#define RAW(number, a, b, c) raw(number, (long)(a), (long)(b), (long)(c), 0, 0)

/*
 * Makes a process that shares all memory with this one and runs on a stack of
 * its own. glibc's clone() would write to memory of this thread in the child.
 */
static inline long raw_clone(long flags, char *top, void (*run)(void *), void *argument) {
    long result;
#ifdef __x86_64__
    register long r10 __asm__("r10") = 0;
    register long r8 __asm__("r8") = 0;
    register void *r12 __asm__("r12") = (void *)run;
    register void *r13 __asm__("r13") = argument;

    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "mov %%r13, %%rdi\n\t"
                     "call *%%r12\n\t"
                     "hlt\n"
                     "1:"
                     : "=a"(result)
                     : "a"((long)SYS_clone), "D"(flags), "S"(top), "d"(0L), "r"(r10), "r"(r8), "r"(r12),
                       "r"(r13)
                     : "rcx", "r11", "memory");
#else
    __asm__ volatile("int $0x80\n\t"
                     "test %%eax, %%eax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "sub $12, %%esp\n\t"
                     "push %%edi\n\t"
                     "call *%%esi\n\t"
                     "hlt\n"
                     "1:"
                     : "=a"(result)
                     : "a"((long)SYS_clone), "b"(flags), "c"(top), "d"(0L), "S"(run), "D"(argument)
                     : "memory");
#endif
    return result;
}

#endif
