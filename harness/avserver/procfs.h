/* Folders of /proc whose entries are numbers. */
#ifndef PROCFS_H
#define PROCFS_H

/* list_numbers stores the numbers that name the entries of a folder, at most
 * most, and returns how many there are. */
unsigned list_numbers(const char *folder, unsigned *numbers, unsigned most);

#endif
