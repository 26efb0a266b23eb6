/* Alternate signal stacks that a host's thread changes between two scans, as
 * runtimes and profilers do. */
#ifndef ALTSTACK_H
#define ALTSTACK_H

struct altstack {
    char *memory; /* two stacks that are used in turn; NULL until the first use */
    unsigned turn;
};

/* altstack_known tells whether there is such a kind: "off" for a stack that is
 * switched off again, "own" for another one each time, "autodisarm" for one that
 * the kernel switches off while a handler runs. */
int altstack_known(const char *kind);

/* altstack_change does it for this thread. */
void altstack_change(struct altstack *a, const char *kind);

/* altstack_end switches this thread's stack off and frees it. */
void altstack_end(struct altstack *a);

#endif
