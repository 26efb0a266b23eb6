/*
 * A thread needs an alternate signal stack while it is inside Go: Go's
 * handlers and the host's must not run on a goroutine's small stack, and Go
 * ends the process when one of its signals finds none. The host may change or
 * switch off its own at any time between two calls, so each call looks.
 *
 * Ours is as large as a daemon's handlers may need; Go would make one of
 * 32 KB. It stays until the thread ends, because Go's handlers can run on the
 * thread between two calls as well.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <sys/mman.h>

#include "host.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31) /* missing from old headers */
#endif
#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

enum {
    GUARD = 4096,
    HANDLERS = 256 * 1024,  /* for a handler, beside the frame */
    GO_HANDLER = 14 * 1024, /* what Go's own handlers may need, beside the frame */
    USUAL_FRAME = 4096      /* with AVX-512; old kernels don't tell */
};

/* What the kernel writes onto the stack before a handler runs: 11 KB with AMX. */
static size_t frame = USUAL_FRAME;

/* The auxiliary vector lies behind the environment; getauxval came with glibc 2.16. */
void avir_read_frame_size(char **argv, int argc) {
    char **end = argv + argc + 1;
    const unsigned long *entry;

    while (*end != NULL)
        end++;
    for (entry = (const unsigned long *)(end + 1); entry[0] != AT_NULL; entry += 2)
        if (entry[0] == AT_MINSIGSTKSZ && entry[1] > frame && entry[1] < HANDLERS)
            frame = (entry[1] + GUARD - 1) / GUARD * GUARD;
}

static size_t size(void) {
    return HANDLERS + frame;
}

static int is_disarmed_by_kernel(const stack_t *stack) {
    return (stack->ss_flags & SS_AUTODISARM) != 0;
}

/* Go asks the kernel for the stack that its handler runs on, which an automatically disarmed one hides. */
static int will_do(const stack_t *stack) {
    return !(stack->ss_flags & SS_DISABLE) && !is_disarmed_by_kernel(stack) &&
           stack->ss_size >= GO_HANDLER + frame;
}

static void *make_stack(void) {
    char *memory = mmap(NULL, GUARD + size(), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED)
        return NULL;
    mprotect(memory, GUARD, PROT_NONE);
    return memory;
}

static int is_ours(const struct avir_thread *thread, const stack_t *stack) {
    return thread->stack != NULL && stack->ss_sp == (char *)thread->stack + GUARD;
}

void avir_replace_sigstack(struct avir_thread *thread, const stack_t *stack) {
    stack_t ours;

    if (will_do(stack))
        return;
    if (thread->stack == NULL)
        thread->stack = make_stack();
    if (thread->stack == NULL)
        return; /* Go makes its own of 32 KB */
    ours.ss_sp = (char *)thread->stack + GUARD;
    ours.ss_size = size();
    ours.ss_flags = 0;
    if (sigaltstack(&ours, NULL) == 0)
        thread->replaced = *stack;
}

/*
 * A host that has its stack disarmed leaves handlers by other ways than a
 * return, and counts on the kernel for it: it has its own back after each call.
 */
void avir_return_sigstack(struct avir_thread *thread) {
    if (is_disarmed_by_kernel(&thread->replaced) && sigaltstack(&thread->replaced, NULL) == 0)
        thread->replaced.ss_flags = SS_DISABLE;
}

void avir_free_sigstack(struct avir_thread *thread) {
    stack_t stack;

    if (thread->stack == NULL)
        return;
    if (sigaltstack(NULL, &stack) == 0 && is_ours(thread, &stack) &&
        sigaltstack(&thread->replaced, NULL) != 0)
        return; /* in use: better a leak than a crash */
    munmap(thread->stack, GUARD + size());
    thread->stack = NULL;
}
