/* Time without librt, which glibc 2.11 still needs for clock_gettime. */
#ifndef CLOCK_H
#define CLOCK_H

/* now_ns returns the monotonic clock in nanoseconds. */
unsigned long long now_ns(void);

/* cpu_ns returns the processor time of the whole process in nanoseconds. */
unsigned long long cpu_ns(void);

/* sleep_ms sleeps; a signal may end it early. */
void sleep_ms(unsigned ms);

/* deadline_ms fills the absolute wall-clock time for pthread_cond_timedwait. */
struct timespec;
void deadline_ms(struct timespec *t, unsigned ms);

#endif
