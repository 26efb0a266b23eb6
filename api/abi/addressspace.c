/*
 * Where the address space is limited, a 32-bit Go takes the largest of 512,
 * 256 and 128 MB that fits, and may leave the host too little for the stack of
 * a thread. We reserve memory during Go's start and release it afterwards, so
 * that the host keeps at least that much. A 64-bit Go needs 750 MB in any case.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/resource.h>

#include "host.h"

enum { HOST_SHARE = 128 << 20 };

static void *start;
static size_t reserved;

void avir_reserve_host_share(void) {
    struct rlimit space;
    size_t size;

    if (sizeof(void *) > 4 || (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur == RLIM_INFINITY))
        return;
    for (size = HOST_SHARE; size >= HOST_SHARE / 4; size /= 2) {
        /* Twice as much must be there, so that Go's own start does not fail. */
        void *memory = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED)
            continue;
        munmap((char *)memory + size, size);
        start = memory;
        reserved = size;
        return;
    }
}

void avir_release_host_share(void) {
    if (reserved != 0)
        munmap(start, reserved);
    reserved = 0;
}
