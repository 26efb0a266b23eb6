/*
 * Go asks for the default stack size before it makes a thread, 8 MB on most
 * systems, and that is what each of its threads would take of the host's
 * address space. runtime/cgo is linked into the same library and finds this
 * definition before libpthread's. C code of the plugin finds it, too: an
 * attribute that has been given a size of its own keeps it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

#include "host.h"

typedef int getter(const pthread_attr_t *, size_t *);

static getter *get;

void avir_find_pthread_attr_getstacksize(void) {
    *(void **)&get = dlsym(RTLD_DEFAULT, "pthread_attr_getstacksize");
}

static int is_default(size_t size) {
    pthread_attr_t fresh;
    size_t usual = 0;
    int err;

    if (pthread_attr_init(&fresh) != 0)
        return 0;
    err = get(&fresh, &usual);
    pthread_attr_destroy(&fresh);
    return err == 0 && size == usual;
}

__attribute__((visibility("hidden"))) int pthread_attr_getstacksize(const pthread_attr_t *attr,
                                                                    size_t *size) {
    int err;

    if (get == NULL)
        return EAGAIN; /* pthread_create of gothread.c refuses, too */
    err = get(attr, size);
    if (err == 0 && is_default(*size) &&
        pthread_attr_setstacksize((pthread_attr_t *)attr, avir_go_stack_size) == 0)
        *size = avir_go_stack_size;
    return err;
}
