/* Numbers from text, without the libc functions that newer headers redirect to
 * symbols which glibc 2.11 doesn't have. */
#ifndef NUMBER_H
#define NUMBER_H

/* parse_number reads a decimal number that is the whole text and at most max.
 * Returns 0, or -1 for anything else. */
int parse_number(const char *text, unsigned max, unsigned *number);

#endif
