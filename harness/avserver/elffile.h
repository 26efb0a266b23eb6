/* What a file says of itself before anybody loads it. */
#ifndef ELFFILE_H
#define ELFFILE_H

#include <stddef.h>

/* unfit says why no process like this one can load the file at path. dlopen
 * waits for ever at a FIFO, dies of a file that is cut off, and claims of a
 * library for another machine that it does not exist.
 * Returns 1 with text filled, or 0 for everything on which dlopen has the word. */
int unfit(const char *path, char *text, size_t size);

#endif
