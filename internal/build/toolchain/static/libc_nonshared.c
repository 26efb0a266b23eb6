/*
 * The functions that glibc 2.11 keeps in its static part, libc_nonshared.a, so
 * that libc.so.6 has no such symbols. Each passes on to a symbol that it has.
 * Today's headers call these names and today's libc.so.6 has them, in versions
 * that an old ld.so refuses.
 *
 * No header is included: the structures stay the caller's. PART says which
 * functions one object of the archive holds, so that a plugin gets, and asks
 * libc.so.6 for, only what it uses.
 */
#if defined(__i386__)
enum { STAT_VERSION = 3, MKNOD_VERSION = 1 };
typedef unsigned long long dev_number;
#elif defined(__x86_64__)
enum { STAT_VERSION = 1, MKNOD_VERSION = 0 };
typedef unsigned long dev_number;
#else
#error "name glibc 2.11's _STAT_VER and _MKNOD_VER of this platform"
#endif

#define HIDDEN __attribute__((visibility("hidden")))

struct stat;
struct stat64;

#define STAT(suffix)                                                                                         \
    int __xstat##suffix(int version, const char *path, struct stat##suffix *to);                             \
    int __fxstat##suffix(int version, int fd, struct stat##suffix *to);                                      \
    int __lxstat##suffix(int version, const char *path, struct stat##suffix *to);                            \
    int __fxstatat##suffix(int version, int fd, const char *path, struct stat##suffix *to, int flag);        \
    HIDDEN int stat##suffix(const char *path, struct stat##suffix *to) {                                     \
        return __xstat##suffix(STAT_VERSION, path, to);                                                      \
    }                                                                                                        \
    HIDDEN int fstat##suffix(int fd, struct stat##suffix *to) {                                              \
        return __fxstat##suffix(STAT_VERSION, fd, to);                                                       \
    }                                                                                                        \
    HIDDEN int lstat##suffix(const char *path, struct stat##suffix *to) {                                    \
        return __lxstat##suffix(STAT_VERSION, path, to);                                                     \
    }                                                                                                        \
    HIDDEN int fstatat##suffix(int fd, const char *path, struct stat##suffix *to, int flag) {                \
        return __fxstatat##suffix(STAT_VERSION, fd, path, to, flag);                                         \
    }

#if PART == 1
STAT()
#elif PART == 2
STAT(64)
#elif PART == 3
int __xmknod(int version, const char *path, unsigned int mode, dev_number *dev);
int __xmknodat(int version, int fd, const char *path, unsigned int mode, dev_number *dev);

HIDDEN int mknod(const char *path, unsigned int mode, dev_number dev) {
    return __xmknod(MKNOD_VERSION, path, mode, &dev);
}

HIDDEN int mknodat(int fd, const char *path, unsigned int mode, dev_number dev) {
    return __xmknodat(MKNOD_VERSION, fd, path, mode, &dev);
}

#elif PART >= 4 && PART <= 6
/* A handler is told which library it belongs to, and runs when that is unloaded. */
extern void *__dso_handle HIDDEN;
#if PART == 4
int __cxa_atexit(void (*handler)(void *), void *argument, void *dso);

HIDDEN int atexit(void (*handler)(void)) {
    return __cxa_atexit((void (*)(void *))handler, 0, __dso_handle);
}

#elif PART == 5
int __cxa_at_quick_exit(void (*handler)(void *), void *dso);

HIDDEN int at_quick_exit(void (*handler)(void)) {
    return __cxa_at_quick_exit((void (*)(void *))handler, __dso_handle);
}

#else
int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *dso);

HIDDEN int pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void)) {
    return __register_atfork(prepare, parent, child, __dso_handle);
}

#endif
#elif PART == 7
/* 32-bit code calls this name, which spares it the procedure linkage table. */
void __stack_chk_fail(void) __attribute__((noreturn));
HIDDEN __attribute__((noreturn)) void __stack_chk_fail_local(void) {
    __stack_chk_fail();
}
#endif
