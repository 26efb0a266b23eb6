/*
 * Starting a program from inside a stranger's process, whatever that process
 * does about signals, children and descriptors.
 */
#ifndef AVIR_SPAWN_H
#define AVIR_SPAWN_H

#include <stddef.h>

/* What the waiter writes to the status pipe when the program has ended, or hasn't begun. */
struct avir_outcome {
    int error;  /* why it could not be started, an errno value, or 0 */
    int status; /* as of wait() */
};

/* Descriptors of the caller, which closes them afterwards. */
struct avir_descriptors {
    int in, out, err; /* become 0, 1 and 2 of the program */
    int status;       /* the write end of the status pipe */
    int lifeline;     /* the read end of a pipe: the program is killed when the other end is closed */
};

/*
 * Starts a program. texts holds its path, its directory, args arguments and
 * envs environment entries, one after another, each with a NUL. Returns the
 * process id of the waiter, or a negative errno value; *memory must be given
 * to avir_end in the first case.
 */
int avir_start(const char *texts, size_t size, int args, int envs, const struct avir_descriptors *descriptors,
               void **memory);

/* Waits for the end of the waiter, which follows its outcome at once, and frees its memory. */
void avir_end(int waiter, void *memory);

#endif
