#define _GNU_SOURCE
#include "clock.h"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* The kernel's own timespec for SYS_clock_gettime, whatever time_t is. */
struct kernel_time {
    long sec;
    long nsec;
};

static unsigned long long read_clock(int clock) {
    struct kernel_time t = {0, 0};
    syscall(SYS_clock_gettime, clock, &t);
    return (unsigned long long)t.sec * 1000000000ULL + (unsigned long long)t.nsec;
}

unsigned long long now_ns(void) {
    return read_clock(CLOCK_MONOTONIC);
}

unsigned long long cpu_ns(void) {
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

void sleep_ms(unsigned ms) {
    poll(NULL, 0, (int)ms);
}

void deadline_ms(struct timespec *t, unsigned ms) {
    struct timeval now;
    gettimeofday(&now, NULL);
    unsigned long long us = (unsigned long long)now.tv_usec + ms * 1000ULL;
    t->tv_sec = now.tv_sec + (time_t)(us / 1000000);
    t->tv_nsec = (long)(us % 1000000) * 1000;
}
