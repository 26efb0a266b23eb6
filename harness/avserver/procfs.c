#define _GNU_SOURCE
#include "procfs.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "number.h"

/* The kernel's own directory entry. readdir of a 32-bit libc fails where the
 * numbers of inodes are longer than 32 bits, as they are in /proc. */
struct entry {
    unsigned long long inode;
    long long offset;
    unsigned short size;
    unsigned char type;
    char name[1];
};

unsigned list_numbers(const char *folder, unsigned *numbers, unsigned most) {
    char buffer[4096];
    unsigned count = 0, number;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (long n; fd >= 0 && (n = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0;)
        for (long at = 0; at < n;) {
            const struct entry *e = (const struct entry *)(buffer + at);
            if (count < most && !parse_number(e->name, 1u << 22, &number) && (int)number != fd)
                numbers[count++] = number;
            at += e->size;
        }
    if (fd >= 0)
        close(fd);
    return count;
}
