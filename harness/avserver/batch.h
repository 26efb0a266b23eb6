/* The command line form: load, scan the named files, print, close. */
#ifndef BATCH_H
#define BATCH_H

#include "options.h"

/* run_batch returns the exit status that avserver's usage text describes. */
int run_batch(struct options *o);

#endif
