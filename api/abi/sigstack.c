/*
 * Each host thread that calls the plugin gets an alternate signal stack, as
 * large as a daemon's handlers may need, unless it has one that will do for
 * Go's handlers at least. Go would give it one of 32 KB otherwise. When the
 * thread ends it is freed and the host's own put back.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "host.h"

enum { GUARD = 4096, STACK = 256 * 1024, TOO_SMALL = 16 * 1024 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int key_made;

static void give_stack(struct avir_thread *thread) {
    stack_t stack;
    char *memory;

    if (sigaltstack(NULL, &stack) != 0 || (stack.ss_flags & SS_ONSTACK))
        return;
    if (!(stack.ss_flags & SS_DISABLE) && stack.ss_size >= TOO_SMALL)
        return;
    thread->before = stack;
    memory =
        mmap(NULL, GUARD + STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return; /* Go's own 32 KB must do */
    mprotect(memory, GUARD, PROT_NONE);
    stack.ss_sp = memory + GUARD;
    stack.ss_size = STACK;
    stack.ss_flags = 0;
    if (sigaltstack(&stack, NULL) == 0)
        thread->stack = memory;
    else
        munmap(memory, GUARD + STACK);
}

static void take_stack(struct avir_thread *thread) {
    stack_t stack;

    if (thread->stack == NULL)
        return;
    if (sigaltstack(NULL, &stack) == 0 && stack.ss_sp == (char *)thread->stack + GUARD) {
        if (sigaltstack(&thread->before, NULL) != 0)
            return; /* in use: better a leak than a crash */
    }
    munmap(thread->stack, GUARD + STACK);
}

/*
 * Runs when a thread ends. Go has such a destructor too, which still runs Go
 * code on this thread and counts on the stack: ours waits for the next round.
 */
static void end_thread(void *data) {
    struct avir_thread *thread = data;

    if (thread->farewells++ == 0 && pthread_setspecific(key, thread) == 0) {
        thread->bound = 0; /* a destructor of the host's may still call */
        return;
    }
    take_stack(thread);
    free(thread);
}

static void make_key(void) {
    key_made = pthread_key_create(&key, end_thread) == 0;
}

struct avir_thread *avir_this_thread(void) {
    struct avir_thread *thread;

    pthread_once(&once, make_key);
    if (!key_made)
        return NULL;
    thread = pthread_getspecific(key);
    if (thread != NULL)
        return thread;
    thread = calloc(1, sizeof *thread);
    if (thread == NULL)
        return NULL;
    if (pthread_setspecific(key, thread) != 0) {
        free(thread);
        return NULL;
    }
    give_stack(thread);
    return thread;
}
