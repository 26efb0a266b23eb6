#define _GNU_SOURCE
#include "scanner.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sins.h"

/* In two halves, so that no antivirus finds it in this file or its binary. */
static const char head[] = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STAND";
static const char tail[] = "ARD-ANTIVIRUS-TEST-FILE!$H+H*";
#define HEAD (sizeof head - 1)
#define TAIL (sizeof tail - 1)
#define WHOLE (HEAD + TAIL)

static int holds_eicar(const char *data, size_t size) {
    for (size_t i = 0; i + WHOLE <= size; i++)
        if (data[i] == 'X' && !memcmp(data + i, head, HEAD) && !memcmp(data + i + HEAD, tail, TAIL))
            return 1;
    return 0;
}

/* The general purpose flags are at 6; bit 0 says encrypted. */
static int encrypted_zip(const char *data, size_t size) {
    return size > 6 && !memcmp(data, "PK\3\4", 4) && (data[6] & 1);
}

static int scan_descriptor(int fd, unsigned long long size) {
    char data[WHOLE - 1 + 2048];
    size_t kept = 0;
    for (int first = 1; size > 0; first = 0) {
        ssize_t n = read(fd, data + kept, sizeof data - kept);
        if (n <= 0)
            return AVCHK_FAILED; /* shorter than it was, or an error */
        size_t have = kept + (size_t)n;
        size -= (unsigned long long)n < size ? (unsigned long long)n : size;
        if (first && encrypted_zip(data, have))
            return AVCHK_IMPOSSIBLE;
        if (holds_eicar(data, have))
            return AVCHK_VIRUS_FOUND;
        kept = have < WHOLE - 1 ? have : WHOLE - 1;
        memmove(data, data + have - kept, kept);
    }
    return AVCHK_OK;
}

/* More than this is not scanned: every test has an answer in time. */
#define LARGEST (1ULL << 30)

int scan_path(const char *path) {
    struct stat64 st;
    int flags = O_RDONLY | O_LARGEFILE | (SIN == OPEN_FIFO ? 0 : O_NONBLOCK);
    flags |= SIN == INHERITED_IN_SCAN ? 0 : O_CLOEXEC;
    int fd = open(path, flags);
    if (fd < 0)
        return AVCHK_FAILED;
    int result = AVCHK_FAILED;
    if (fstat64(fd, &st))
        result = AVCHK_FAILED;
    else if (SIN == OK_FOR_FOLDER && S_ISDIR(st.st_mode))
        result = AVCHK_OK;
    else if (SIN == READ_DEVICES && S_ISCHR(st.st_mode))
        result = scan_descriptor(fd, ~0ULL);
    else if (SIN == READ_FIFO && S_ISFIFO(st.st_mode) && fcntl(fd, F_SETFL, 0) == 0)
        result = scan_descriptor(fd, ~0ULL);
    else if (S_ISREG(st.st_mode)) {
        unsigned long long size = SIN == CUT_SIZES ? (unsigned)st.st_size : (unsigned long long)st.st_size;
        result = size > LARGEST ? AVCHK_IMPOSSIBLE : scan_descriptor(fd, size);
    }
    close(fd);
    return result;
}
