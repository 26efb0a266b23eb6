/*
 * Functions of glibc releases after 2.11 that today's headers, libstdc++.a and
 * libgcc_eh.a use, made of what 2.11 has. Linking all of libstdc++ of gcc 12
 * leaves no other name open. PART says which functions one object of the archive
 * holds, so that a plugin gets only what it uses.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HIDDEN __attribute__((visibility("hidden")))

#if PART == 1 /* glibc 2.32. The host always has threads. */

HIDDEN char __libc_single_threaded = 0;

#elif PART == 2 /* getentropy: glibc 2.25; arc4random: 2.36 */

HIDDEN int getentropy(void *buffer, size_t length) {
    size_t done = 0;
    int file = open("/dev/urandom", O_RDONLY | O_CLOEXEC);

    while (file >= 0 && done < length) {
        ssize_t got = read(file, (char *)buffer + done, length - done);

        if (got > 0)
            done += (size_t)got;
        else if (got == 0 || errno != EINTR)
            break;
    }
    if (file >= 0)
        close(file);
    if (done == length)
        return 0;
    errno = EIO;
    return -1;
}

HIDDEN uint32_t arc4random(void) {
    uint32_t value;

    if (getentropy(&value, sizeof value) != 0)
        abort(); /* as glibc does: it has no way to say that there is no randomness */
    return value;
}

#elif PART == 3 /* glibc 2.16 */

HIDDEN void *aligned_alloc(size_t alignment, size_t size) {
    void *memory = NULL;
    int problem = posix_memalign(&memory, alignment < sizeof(void *) ? sizeof(void *) : alignment, size);

    if (problem != 0)
        errno = problem;
    return problem == 0 ? memory : NULL;
}

#elif PART == 4 /* glibc 2.17 */

HIDDEN char *secure_getenv(const char *name) {
    return getuid() == geteuid() && getgid() == getegid() ? getenv(name) : NULL;
}

#elif PART == 5 /* glibc 2.35: libgcc finds the unwind tables of an address with it */

/* Its layout is fixed by glibc's interface; see dl_find_object in dlfcn.h. */
struct dl_find_object_result {
    unsigned long long flags;
    void *map_start;
    void *map_end;
    struct link_map *link_map;
    void *eh_frame;
#if !defined(__x86_64__)
    void *eh_dbase;
    unsigned int eh_dbase_pad;
#endif
    unsigned long long reserved[7];
};

struct search {
    uintptr_t address;
    struct dl_find_object_result *result;
};

/* Returns 1 when the address lies in the object, which ends the search. */
static int look_in(struct dl_phdr_info *object, size_t size, void *argument) {
    struct search *search = argument;
    uintptr_t start = UINTPTR_MAX, end = 0, tables = 0, dynamic = 0;
    int inside = 0, i;

    (void)size;
    for (i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        uintptr_t at = object->dlpi_addr + segment->p_vaddr;

        if (segment->p_type == PT_LOAD) {
            inside |= search->address >= at && search->address - at < segment->p_memsz;
            start = at < start ? at : start;
            end = at + segment->p_memsz > end ? at + segment->p_memsz : end;
        } else if (segment->p_type == PT_GNU_EH_FRAME) {
            tables = at;
        } else if (segment->p_type == PT_DYNAMIC) {
            dynamic = at;
        }
    }
    if (!inside || tables == 0)
        return 0;
    *search->result = (struct dl_find_object_result){
        .map_start = (void *)start, .map_end = (void *)end, .eh_frame = (void *)tables};
#if !defined(__x86_64__)
    /* What data-relative pointers are relative to: the global offset table. */
    for (const ElfW(Dyn) *entry = (const ElfW(Dyn) *)dynamic; entry != NULL && entry->d_tag != DT_NULL;
         entry++)
        if (entry->d_tag == DT_PLTGOT)
            search->result->eh_dbase = (void *)entry->d_un.d_ptr;
#endif
    (void)dynamic;
    return 1;
}

HIDDEN int find_object(void *address, struct dl_find_object_result *result) __asm__("_dl_find_object");

int find_object(void *address, struct dl_find_object_result *result) {
    struct search search = {(uintptr_t)address, result};

    return dl_iterate_phdr(look_in, &search) == 1 ? 0 : -1;
}

#elif PART == 6 /* glibc 2.18: destructors of thread_local objects. Plugins are never unloaded. */

struct destructor {
    void (*function)(void *);
    void *object;
    struct destructor *next;
};

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void destroy(void *first) {
    struct destructor *d = first;

    while (d != NULL) {
        struct destructor *next = d->next;

        d->function(d->object);
        free(d);
        d = next;
    }
}

extern void *__dso_handle HIDDEN;
extern int __cxa_atexit(void (*handler)(void *), void *argument, void *dso);

/* The thread that calls exit ends without running its keys' destructors. */
static void at_exit(void *unused) {
    struct destructor *first = pthread_getspecific(key);

    (void)unused;
    pthread_setspecific(key, NULL);
    destroy(first);
}

static void prepare(void) {
    if (pthread_key_create(&key, destroy) != 0)
        abort(); /* the process has used up its keys: as libstdc++'s own version does */
    __cxa_atexit(at_exit, NULL, &__dso_handle);
}

HIDDEN int __cxa_thread_atexit_impl(void (*function)(void *), void *object, void *dso) {
    struct destructor *d = malloc(sizeof *d);

    (void)dso;
    if (d == NULL)
        return -1;
    pthread_once(&once, prepare);
    *d = (struct destructor){function, object, pthread_getspecific(key)};
    return pthread_setspecific(key, d);
}

#elif PART == 7 /* glibc 2.38: C23's numbers. 0b1 is no number to 2.11; all else is the same. */

#undef strtol
#undef strtoul
#undef strtoll
#undef strtoull
#define PASS_ON(type, name)                                                                                  \
    extern type old_##name(const char *text, char **end, int base) __asm__(#name);                           \
    HIDDEN type __isoc23_##name(const char *text, char **end, int base) {                                    \
        return old_##name(text, end, base);                                                                  \
    }

PASS_ON(long, strtol)
PASS_ON(unsigned long, strtoul)
PASS_ON(long long, strtoll)
PASS_ON(unsigned long long, strtoull)

#elif PART == 8

extern int old_vsscanf(const char *text, const char *format, va_list arguments) __asm__("__isoc99_vsscanf");

HIDDEN int __isoc23_sscanf(const char *text, const char *format, ...) {
    va_list arguments;
    int read;

    va_start(arguments, format);
    read = old_vsscanf(text, format, arguments);
    va_end(arguments);
    return read;
}

#elif PART == 9 /* glibc 2.28: fcntl with 64-bit offsets, whose commands have numbers of their own */

extern int old_fcntl(int fd, int command, void *argument) __asm__("fcntl");

HIDDEN int new_fcntl(int fd, int command, ...) __asm__("fcntl64");

int new_fcntl(int fd, int command, ...) {
    va_list arguments;
    void *argument;

    va_start(arguments, command);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    return old_fcntl(fd, command, argument);
}

#endif
