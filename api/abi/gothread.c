/*
 * The threads that Go makes. runtime/cgo is linked into the same library and
 * finds this definition of pthread_create before libpthread's.
 *
 * Go's own threads need the large alternate signal stack too: whatever mask
 * they begin with, Go unblocks SIGCHLD, SIGPROF and some others on them, and
 * the host's handlers then run on 32 KB of Go's heap.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "kernelcall.h"

/* How often a thread is tried again, after a millisecond each. Go itself tries 20 times and then aborts. */
enum { RETRIES = 250 };

typedef int creator(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static creator *create;

struct beginning {
    void *(*run)(void *);
    void *argument;
};

static void *begin(void *data) {
    struct beginning first = *(struct beginning *)data;
    struct avir_thread *thread = avir_this_thread();

    free(data);
    if (thread != NULL) {
        thread->inside_go = thread->runs_go = 1;
        avir_lend_sigstack(thread); /* Go finds it and uses it as its own */
    }
    return first.run(first.argument);
}

/*
 * Go makes its first thread, and only this one, without attributes: it would
 * have the host's default of 8 MB, which limits of data or of locked memory
 * may forbid.
 */
static int create_thread(pthread_t *thread, const pthread_attr_t *attr, struct beginning *data) {
    static int first_is_made;
    pthread_attr_t small;
    int err;

    if (first_is_made || attr != NULL || pthread_attr_init(&small) != 0)
        return create(thread, attr, begin, data);
    pthread_attr_setstacksize(&small, avir_go_stack_size);
    err = create(thread, &small, begin, data);
    pthread_attr_destroy(&small);
    first_is_made = err == 0;
    return err;
}

/*
 * Called before Go starts, on the thread that loads: dlsym needs a lock which
 * that thread holds until the load ends, and which Go's threads can't wait for.
 */
void avir_find_pthread_create(void) {
    *(void **)&create = dlsym(RTLD_DEFAULT, "pthread_create");
}

__attribute__((visibility("hidden"))) int pthread_create(pthread_t *thread, const pthread_attr_t *attr,
                                                         void *(*run)(void *), void *argument) {
    const struct timespec pause = {0, 1000 * 1000};
    struct beginning *data;
    int err, tries;

    if (create == NULL)
        return EAGAIN;
    data = malloc(sizeof *data);
    if (data == NULL)
        return EAGAIN;
    data->run = run;
    data->argument = argument;
    /* A host often reaches a limit of threads for some seconds only. */
    for (tries = 0; (err = create_thread(thread, attr, data)) == EAGAIN && tries < RETRIES; tries++)
        nanosleep(&pause, NULL);
    if (err != 0)
        free(data);
    return err;
}
