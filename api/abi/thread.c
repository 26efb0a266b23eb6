/*
 * What is kept for each thread that has called the plugin, and for each of
 * Go's own. It is freed when the thread ends.
 */
#include <pthread.h>
#include <stdlib.h>

#include "host.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int key_made;

/*
 * Runs when a thread ends. Go has such a destructor too, which still runs Go
 * code on this thread and needs the signal stack: ours frees in the round
 * after it.
 */
static void end_thread(void *data) {
    struct avir_thread *thread = data;

    if (thread->farewells++ == 0 && pthread_setspecific(key, thread) == 0) {
        thread->bound = 0; /* a destructor of the host's may still call */
        return;
    }
    avir_free_sigstack(thread);
    free(thread->names);
    free(thread);
}

static void make_key(void) {
    key_made = pthread_key_create(&key, end_thread) == 0;
}

struct avir_thread *avir_known_thread(void) {
    return key_made ? pthread_getspecific(key) : NULL;
}

struct avir_thread *avir_this_thread(void) {
    struct avir_thread *thread;

    pthread_once(&once, make_key);
    thread = avir_known_thread();
    if (thread != NULL || !key_made)
        return thread;
    thread = calloc(1, sizeof *thread);
    if (thread != NULL && pthread_setspecific(key, thread) != 0) {
        free(thread);
        thread = NULL;
    }
    return thread;
}
