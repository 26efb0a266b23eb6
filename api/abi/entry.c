#define _GNU_SOURCE
#include <pthread.h>

#include "_cgo_export.h"
#include "kernelcall.h"

/*
 * Lets one thread at a time make its first call into Go. Go has one spare
 * structure for such a thread, and the thread that takes it makes the next.
 * Others that come meanwhile would spin in sleeps of a microsecond; of threads
 * under SCHED_FIFO on one processor, the spinning one would never let go.
 */
static void bind_to_go(void) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&lock);
    avirBind();
    pthread_mutex_unlock(&lock);
}

/*
 * Prepares this thread for a call into Go. Returns 0 in a forked child and
 * without memory.
 *
 * A cancelled thread would never leave Go, so cancellation waits, and so do
 * signals, until the thread is back on its own stack.
 */
int avir_enter(struct avir_entry *entry) {
    struct avir_thread *thread;
    sigset_t unblocked;

    if (avir_in_child())
        return 0;
    thread = avir_this_thread();
    if (thread == NULL)
        return 0;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &entry->cancel_state);
    avir_block_signals(&entry->mask);
    entry->thread = thread;
    entry->inside_go = thread->inside_go;
    avir_lend_sigstack(thread);
    thread->inside_go = 1;
    if (!thread->bound) {
        avir_handlers_on_stack();
        /* Go's part of the first call unblocks SIGCHLD, SIGPROF and others. */
        bind_to_go();
        avir_block_signals(&unblocked);
        thread->bound = 1;
    }
    return 1;
}

void avir_leave(const struct avir_entry *entry) {
    entry->thread->inside_go = entry->inside_go;
    avir_return_sigstack(entry->thread);
    avir_drop_broken_pipe(&entry->mask);
    avir_sigmask(SIG_SETMASK, &entry->mask, NULL);
    pthread_setcancelstate(entry->cancel_state, NULL);
}
