/* One call of plugin_thread_test_file, with everything the host looks at. */
#ifndef SCAN_H
#define SCAN_H

#include "plugin.h"

/* The real host's vi_size. */
#define VI_SIZE 256
/* The largest vi_size that a scan can be asked for. */
#define VI_MAX 4096

struct scan {
    const char *path;
    const char *realname; /* may be NULL */
    unsigned vi_size;

    int verdict;           /* as returned, whatever it is; SCAN_NO_CONTEXT */
    char text[VI_MAX + 1]; /* vir_info, always terminated here */
    int unterminated;      /* vir_info had no NUL within vi_size */
    unsigned overrun;      /* bytes changed before or behind vir_info */
    unsigned long long ns; /* time that the call took */
};

/* The verdict of a scan whose thread got no context from plugin_thread_init. */
#define SCAN_NO_CONTEXT (-1)

/* Where vir_info lies, inside a field of canaries. The caller provides it, one
 * for each thread, because a stack may be small. */
#define FIELD 1024
struct answer {
    unsigned char memory[FIELD + VI_MAX + FIELD];
};

/* scan_file calls the plugin and looks at all that it left behind. */
void scan_file(const struct plugin *p, void *context, struct scan *s, struct answer *a);

/* answer_prepare returns the place for size bytes inside the canaries;
 * answer_overrun counts the canaries that changed since. */
char *answer_prepare(struct answer *a, unsigned size);
unsigned answer_overrun(const struct answer *a, unsigned size);

#endif
