/*
 * Copies from and to the host's memory. They happen outside of Go, so that a
 * host which brings pages in when they are touched can do so in its handler of
 * SIGSEGV, as with any other library. Where memory is missing and the host
 * has no such handler, handlers.c lets the copy end early.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "host.h"

enum { PAGE = 4096, CHUNK = 128 };

extern const char avir_copy_begin[] __attribute__((visibility("hidden")));
extern const char avir_copy_end[] __attribute__((visibility("hidden")));

/*
 * One instruction does all of the copying. After a fault its registers tell
 * how far it came; to go on behind it is to give up the rest.
 */
__attribute__((noinline)) size_t avir_copy(void *to, const void *from, size_t size) {
    __asm__ volatile(".globl avir_copy_begin, avir_copy_end\n"
                     ".hidden avir_copy_begin, avir_copy_end\n"
                     "avir_copy_begin: rep movsb\n"
                     "avir_copy_end:\n"
                     : "+D"(to), "+S"(from), "+c"(size)
                     :
                     : "memory");
    return size;
}

uintptr_t avir_after_copy(uintptr_t code) {
    return code >= (uintptr_t)avir_copy_begin && code < (uintptr_t)avir_copy_end ? (uintptr_t)avir_copy_end
                                                                                 : 0;
}

/* Never touches a page behind the one in which the name ends. */
long avir_copy_name(char *to, const char *from) {
    size_t length = 0, chunk, left;
    const char *end;

    while (length < AVIR_NAME) {
        chunk = PAGE - (uintptr_t)(from + length) % PAGE;
        if (chunk > CHUNK)
            chunk = CHUNK;
        if (chunk > AVIR_NAME - length)
            chunk = AVIR_NAME - length;
        left = avir_copy(to + length, from + length, chunk);
        if (left != 0)
            return -1;
        end = memchr(to + length, 0, chunk);
        if (end != NULL)
            return end - to;
        length += chunk;
    }
    return AVIR_NAME;
}

/* Memory that is reserved only counts as mapped. */
int avir_is_mapped(const void *address) {
    unsigned char resident;
    void *page = (void *)((uintptr_t)address / PAGE * PAGE);

    return mincore(page, PAGE, &resident) == 0 || errno != ENOMEM;
}
