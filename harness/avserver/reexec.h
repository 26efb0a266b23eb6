/* Settings that a process must have from its first instruction: avserver
 * applies them to itself and then executes itself without them. */
#ifndef REEXEC_H
#define REEXEC_H

/* reexecute executes this program with the arguments that are not NULL; argc
 * counts the NULLs too. It returns only when that fails. */
void reexecute(int argc, char **argv);

#endif
