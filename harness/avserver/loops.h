/* Threads that scan the same files again and again. */
#ifndef LOOPS_H
#define LOOPS_H

#include <pthread.h>

/* loop_threads returns the threads that run now. */
unsigned loop_threads(const pthread_t **threads);

#endif
