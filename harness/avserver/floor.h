/* The kernel floor: answer ENOSYS to system calls that an old kernel lacks. */
#ifndef FLOOR_H
#define FLOOR_H

/* kernel_floor applies the filter for the named kernel version to this process
 * and all that it executes; call it before any other thread exists. Returns NULL, or
 * why it could not. */
const char *kernel_floor(const char *version);

#endif
