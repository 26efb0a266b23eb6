/*
 * Go asks for the default stack size before it makes a thread, 8 MB on most
 * systems, and that is what each of its threads would take of the host's
 * address space. runtime/cgo is linked into the same library and finds this
 * definition before libpthread's: it lowers the size and tells the truth.
 * 512 KB leaves ample room for the host's log callback, the only C code that
 * runs on Go's threads.
 */
#define _GNU_SOURCE
#include <pthread.h>

enum { STACK = 512 * 1024 };

__attribute__((visibility("hidden"))) int pthread_attr_getstacksize(const pthread_attr_t *attr,
                                                                    size_t *size) {
    *size = STACK;
    return pthread_attr_setstacksize((pthread_attr_t *)attr, STACK);
}
