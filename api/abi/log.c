/*
 * The gate in front of the host's log callback. Goroutines may log at any
 * moment, but the host's logging ends before its process does: once the gate
 * is closed, by plugin_close or by exit(), no call is inside and none begins.
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "host.h"

enum { PATIENCE = 1000 /* ms for a callback that doesn't return */, DEPTH = 4 };

extern int __cxa_atexit(void (*f)(void *), void *argument, void *dso);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static AV_LOG_CALLBACK_NEW current; /* NULL: the gate is closed */
static int exiting;
static int inside; /* calls of the callback now running, on all threads */

/* Has every call returned, but for those that this very thread is inside of? */
static int all_have_left(void) {
    struct avir_thread *thread = avir_this_thread();

    return __atomic_load_n(&inside, __ATOMIC_SEQ_CST) <= (thread != NULL ? thread->logging : 0);
}

void avir_log_close(void) {
    __atomic_store_n(&current, (AV_LOG_CALLBACK_NEW)NULL, __ATOMIC_SEQ_CST);
    avir_wait(all_have_left, PATIENCE);
}

static void at_exit(void *unused) {
    (void)unused;
    if (avir_in_child())
        return; /* the counts are the parent's */
    __atomic_store_n(&exiting, 1, __ATOMIC_SEQ_CST);
    avir_log_close();
}

static void watch_exit(void) {
    /* No dso: the library is never unloaded, so dlclose must not run it. */
    __cxa_atexit(at_exit, NULL, NULL);
}

void avir_log_open(AV_LOG_CALLBACK_NEW callback) {
    pthread_once(&once, watch_exit);
    __atomic_store_n(&current, callback, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&exiting, __ATOMIC_SEQ_CST))
        avir_log_close();
}

/*
 * Writes text, if callback is the one of the present plugin_init. The depth is
 * bounded because a callback may call the plugin, which logs again.
 */
void avir_log_write(AV_LOG_CALLBACK_NEW callback, const char *text) {
    struct avir_thread *thread;

    if (callback == NULL || avir_in_child())
        return;
    thread = avir_this_thread();
    if (thread == NULL || thread->logging >= DEPTH)
        return;
    __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&current, __ATOMIC_SEQ_CST) == callback) {
        thread->logging++;
        thread->inside_go = 0; /* a fault in the callback is the host's */
        callback("%s", text);
        thread->inside_go = 1;
        thread->logging--;
    }
    __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
}
