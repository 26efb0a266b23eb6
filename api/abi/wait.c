#include <time.h>

#include "host.h"

/*
 * Polling, because what is waited for changes in signal-safe, lock-free code
 * on other threads and during exit(), where a condition variable could hang.
 */
int avir_wait(int (*done)(void), int milliseconds) {
    const struct timespec pause = {0, 1000 * 1000};

    while (!done()) {
        if (milliseconds-- <= 0)
            return 0;
        nanosleep(&pause, NULL);
    }
    return 1;
}
