#define _GNU_SOURCE
#include "floor.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>

#ifndef PR_SET_NO_NEW_PRIVS
#define PR_SET_NO_NEW_PRIVS 38
#endif

/* The last system calls of some kernels that systems of the floor run: every
 * 64-bit kernel also runs 32-bit programs, and a host may start such a one. */
static const struct {
    const char *version;
    unsigned last32, last64; /* of i386 and of x86-64 */
} kernels[] = {
    {"2.6.32", 336, 298}, /* perf_event_open: Debian 6, CentOS 6 */
    {"3.2", 348, 311},    /* process_vm_writev: Debian 7 */
    {"3.10", 350, 313},   /* finit_module: CentOS 7 */
};

/* LATER is a call that the kernel doesn't have. The numbers of the x32
 * interface have bit 30 set, so they are later than the last one, too. */
#define LATER (SECCOMP_RET_ERRNO | (ENOSYS & SECCOMP_RET_DATA))

const char *kernel_floor(const char *version) {
    unsigned at = 0;
    const unsigned known = sizeof kernels / sizeof *kernels;
    while (at < known && strcmp(kernels[at].version, version))
        at++;
    if (at == known)
        return "unknown kernel version: use 2.6.32, 3.2 or 3.10";
    struct sock_filter filter[] = {
        /* 0 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        /* 1 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_I386, 2, 0),
        /* 2 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 3, 0),
        /* 3 */ BPF_STMT(BPF_RET | BPF_K, LATER),
        /* 4 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        /* 5 */ BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, kernels[at].last32, 2, 3),
        /* 6 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        /* 7 */ BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, kernels[at].last64, 0, 1),
        /* 8 */ BPF_STMT(BPF_RET | BPF_K, LATER),
        /* 9 */ BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        return "this kernel has no seccomp filter (Linux 3.5 and later have)";
    return NULL;
}
