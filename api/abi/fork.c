/*
 * A forked child has a copy of Go's memory but none of its threads: any call
 * into Go would hang there. Three signs tell a child, because none is always
 * there: the kernel clears the page below (Linux 4.14 and later, whatever call
 * made the child), fork() runs our handler, and the process id differs (on any
 * kernel, but it may repeat in a new pid namespace).
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18 /* missing from old headers */
#endif

enum { PAGE = 4096, PARENT = 0x41564952 };

struct witness {
    volatile int parent; /* PARENT in the process that loaded the library */
    int pid;             /* that process; 0 when the kernel clears the page */
};

static struct witness spare;
static struct witness *witness = &spare;

/* In glibc since 2.3.2. pthread_atfork itself is in no shared library. */
extern int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *dso);

static int process_id(void) {
    return (int)syscall(SYS_getpid); /* getpid() of old glibc remembers the parent's after clone() */
}

static void in_fork_child(void) {
    witness->parent = 0;
}

void avir_fork_watch(void) {
    void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page != MAP_FAILED)
        witness = page;
    if (page == MAP_FAILED || madvise(page, PAGE, MADV_WIPEONFORK) != 0)
        witness->pid = process_id();
    witness->parent = PARENT;
    /* Without a dso the handler stays for good, as the library does. */
    __register_atfork(NULL, NULL, in_fork_child, NULL);
}

int avir_in_child(void) {
    return witness->parent != PARENT || (witness->pid != 0 && witness->pid != process_id());
}
