#define _GNU_SOURCE
#include "lazy.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MOST 64 /* regions of a host's life */

static struct {
    char *start;
    size_t size;
} regions[MOST];
static unsigned taken;

static size_t whole_pages(size_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page * page;
}

static char *map(size_t size) {
    char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

void *lazy_take(const void *content, unsigned size) {
    size_t mapped = whole_pages(size ? size : 1);
    char *at = size <= LAZY_MAX && taken < MOST ? map(mapped) : NULL;
    if (!at)
        return NULL;
    if (content)
        memcpy(at, content, size);
    mprotect(at, mapped, PROT_NONE);
    regions[taken].start = at;
    regions[taken].size = mapped;
    taken++;
    return at;
}

int lazy_commit(void *address) {
    for (unsigned i = 0; i < taken; i++)
        if ((uintptr_t)address - (uintptr_t)regions[i].start < regions[i].size)
            return !mprotect(regions[i].start, regions[i].size, PROT_READ | PROT_WRITE);
    return 0;
}

void *endless(const void *settings, unsigned size) {
    size_t mapped = whole_pages(size), page = whole_pages(1);
    char *at = map(mapped + page);
    if (!at)
        return NULL;
    munmap(at + mapped, page);
    return memcpy(at + mapped - size, settings, size);
}
