/* Settings that a process must have from its first instruction: avserver
 * applies them to itself and then executes itself without them. */
#ifndef AGAIN_H
#define AGAIN_H

/* run_again executes this program with the arguments that are not NULL; argc
 * counts the NULLs too. It returns only when that fails. */
void run_again(int argc, char **argv);

#endif
