/* Limits of the process, as an administrator's start script may set them. */
#ifndef LIMITS_H
#define LIMITS_H

/* set_limit applies NAME=N: as (MiB), stack (KiB; "unlimited" too), nproc, or
 * nofile. Returns NULL, or what is wrong. */
const char *set_limit(const char *assignment);

/* lose_privilege makes uid the real user and gives up what lifts its process
 * limit, but keeps root's access to files. Returns NULL, or what is wrong. */
const char *lose_privilege(unsigned uid);

/* no_core keeps a crash from leaving a core file; the hard limit stays. */
void no_core(void);

#endif
