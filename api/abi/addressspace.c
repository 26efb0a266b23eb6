/*
 * Where the address space is limited, Go's start takes reservations that it can
 * do without, and may leave too little. We reserve memory during Go's start, so
 * that they do not fit, and release it afterwards.
 *
 * A 32-bit Go takes the largest of 512, 256 and 128 MB that fits; the host then
 * may have no room for the stack of a thread. A 64-bit Go takes 576 MB and, if
 * it fits, another 512 MB; its first heap then may have no room, and Go aborts.
 * It needs 750 MB in any case.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/resource.h>

#include "host.h"

enum { MB = 1 << 20 };

static void *start;
static size_t reserved;

/* Reserves size bytes out of a block of total bytes that must fit. Returns 0 if it does not. */
static int reserve(size_t size, size_t total) {
    void *memory = mmap(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED)
        return 0;
    munmap((char *)memory + size, total - size);
    start = memory;
    reserved = size;
    return 1;
}

/* Twice the host's share must be there, so that Go's own start does not fail. */
static void reserve_beside_32_bit_go(void) {
    size_t share;

    for (share = 128 * MB; share >= 32 * MB; share /= 2)
        if (reserve(share, 2 * share))
            return;
}

/*
 * Finds out in steps how much fits. Where that is Go's two reservations and
 * less than its first heap, takes so much that the second does not fit.
 */
static void reserve_beside_64_bit_go(void) {
    enum { BOTH = 1088, HEAP = 256, STEP = 16 };
    size_t fits;

    for (fits = BOTH + HEAP; fits >= BOTH - STEP; fits -= STEP)
        if (reserve((fits - BOTH + 3 * STEP) * MB, fits * MB)) {
            if (fits == BOTH + HEAP)
                avir_release_host_share(); /* enough for everything */
            return;
        }
}

void avir_reserve_host_share(void) {
    struct rlimit space;

    if (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur == RLIM_INFINITY)
        return;
    if (sizeof(void *) > 4)
        reserve_beside_64_bit_go();
    else
        reserve_beside_32_bit_go();
}

void avir_release_host_share(void) {
    if (reserved != 0)
        munmap(start, reserved);
    reserved = 0;
}
