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

/* The last i386 system call of some kernels that systems of the floor run. */
static const struct {
    const char *version;
    unsigned last;
} kernels[] = {
    {"2.6.32", 336}, /* perf_event_open: Debian 6, CentOS 6 */
    {"3.2", 348},    /* process_vm_writev: Debian 7 */
    {"3.10", 350},   /* finit_module: CentOS 7 */
};

const char *kernel_floor(const char *version) {
    unsigned last = 0;
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
        if (!strcmp(kernels[i].version, version))
            last = kernels[i].last;
    if (!last)
        return "unknown kernel version: use 2.6.32, 3.2 or 3.10";
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_I386, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (ENOSYS & SECCOMP_RET_DATA)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        return "this kernel has no seccomp filter (Linux 3.5 and later have)";
    return NULL;
}
