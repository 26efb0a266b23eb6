/*
 * Go's own threads need the large alternate signal stack too: whatever mask
 * they begin with, Go unblocks SIGCHLD, SIGPROF and some others on them, and
 * the host's handlers then run on 32 KB of Go's heap. runtime/cgo is linked
 * into the same library and finds this definition before libpthread's.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "host.h"

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

    free(data);
    avir_this_thread(); /* gives the stack, which Go then takes for its own */
    return first.run(first.argument);
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
    /* A limit of threads that is reached is often the host's burst of some seconds. */
    for (tries = 0; (err = create(thread, attr, begin, data)) == EAGAIN && tries < RETRIES; tries++)
        nanosleep(&pause, NULL);
    if (err != 0)
        free(data);
    return err;
}
