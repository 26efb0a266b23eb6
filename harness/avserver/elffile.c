#define _GNU_SOURCE
#include "elffile.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* This program's own header, to compare with: linkers define it. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

/* kind writes for which processor a file is; both classes have that at the same
 * place. */
static void kind(const ElfW(Ehdr) * h, char *text, size_t size) {
    static const struct {
        unsigned machine;
        const char *name;
    } names[] = {{EM_386, "x86 (i386)"}, {EM_X86_64, "x86 (x86-64)"}, {EM_ARM, "ARM"}, {183, "AArch64"}};
    const unsigned char *m = (const unsigned char *)&h->e_machine;
    const int big = h->e_ident[EI_DATA] == ELFDATA2MSB;
    const unsigned machine = m[big] | m[!big] << 8;
    const int bits = h->e_ident[EI_CLASS] == ELFCLASS64 ? 64 : 32;
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].machine == machine) {
            snprintf(text, size, "%d-bit %s", bits, names[i].name);
            return;
        }
    snprintf(text, size, "%d-bit machine %u", bits, machine);
}

/* end is where the last segment that is loaded ends in the file. */
static long long end(int fd, const ElfW(Ehdr) * h) {
    long long last = 0;
    for (unsigned i = 0; i < h->e_phnum; i++) {
        ElfW(Phdr) p;
        if (pread(fd, &p, sizeof p, (off_t)(h->e_phoff + i * sizeof p)) != (ssize_t)sizeof p)
            return last;
        if (p.p_type == PT_LOAD && (long long)p.p_offset + (long long)p.p_filesz > last)
            last = (long long)p.p_offset + (long long)p.p_filesz;
    }
    return last;
}

static int unfit_file(int fd, char *text, size_t size) {
    ElfW(Ehdr) h;
    memset(&h, 0, sizeof h);
    const ssize_t n = pread(fd, &h, sizeof h, 0);
    if (n < 0) {
        snprintf(text, size, "it is no regular file: %s", strerror(errno));
        return 1;
    }
    const int class = h.e_ident[EI_CLASS];
    if (n < (ssize_t)sizeof h || memcmp(h.e_ident, ELFMAG, SELFMAG) ||
        (class != ELFCLASS32 && class != ELFCLASS64))
        return 0;
    if (class != __ehdr_start.e_ident[EI_CLASS] || h.e_machine != __ehdr_start.e_machine) {
        char its[40], own[40];
        kind(&h, its, sizeof its);
        kind(&__ehdr_start, own, sizeof own);
        snprintf(text, size, "it is for %s, and this host is for %s", its, own);
        return 1;
    }
    const long long length = lseek(fd, 0, SEEK_END), whole = end(fd, &h);
    if (length < 0 || whole <= length)
        return 0;
    snprintf(text, size, "it is cut off: it has %lld of %lld bytes", length, whole);
    return 1;
}

int unfit(const char *path, char *text, size_t size) {
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return 0;
    const int bad = unfit_file(fd, text, size);
    close(fd);
    return bad;
}
