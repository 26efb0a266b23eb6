#define _GNU_SOURCE
#include "limits.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "number.h"

static const struct {
    const char *name;
    int resource;
    unsigned unit;
} limits[] = {
    {"as=", RLIMIT_AS, 1u << 20},
    {"stack=", RLIMIT_STACK, 1u << 10},
    {"nproc=", RLIMIT_NPROC, 1},
    {"nofile=", RLIMIT_NOFILE, 1},
};

const char *set_limit(const char *assignment) {
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        size_t n = strlen(limits[i].name);
        if (strncmp(assignment, limits[i].name, n))
            continue;
        unsigned value;
        struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
        if (strcmp(assignment + n, "unlimited")) {
            const rlim_t most = ((rlim_t)-1) / limits[i].unit;
            if (parse_number(assignment + n, most < ~0u ? (unsigned)most : ~0u, &value))
                return "not a number in range";
            getrlimit(limits[i].resource, &limit);
            limit.rlim_cur = (rlim_t)value * limits[i].unit;
            if (limits[i].resource != RLIMIT_NOFILE || limit.rlim_cur > limit.rlim_max)
                limit.rlim_max = limit.rlim_cur;
        }
        return setrlimit(limits[i].resource, &limit) ? "the system refuses this limit" : NULL;
    }
    return "needs as=MiB, stack=KiB, nproc=N or nofile=N";
}

/* drop_capabilities gives up what the process limit does not hold for. */
static int drop_capabilities(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2];
    const unsigned lost = 1u << CAP_SYS_RESOURCE | 1u << CAP_SYS_ADMIN;
    if (syscall(SYS_capget, &header, sets))
        return -1;
    sets[0].effective &= ~lost;
    sets[0].permitted &= ~lost;
    sets[0].inheritable &= ~lost;
    return (int)syscall(SYS_capset, &header, sets);
}

const char *lose_privilege(unsigned uid) {
    if (drop_capabilities())
        return "can't give up CAP_SYS_RESOURCE";
    /* The kernel counts processes by the real user; files go by the effective. */
    if (setresuid(uid, (uid_t)-1, (uid_t)-1))
        return "can't change the real user";
    return NULL;
}

void no_core(void) {
    struct rlimit limit;
    if (!getrlimit(RLIMIT_CORE, &limit)) {
        limit.rlim_cur = 0;
        setrlimit(RLIMIT_CORE, &limit);
    }
}
