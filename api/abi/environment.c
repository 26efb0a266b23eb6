/*
 * The Go runtime reads these settings from the environment, and a bad value
 * ends the process. They are hidden from it while it starts.
 */
#include <string.h>

#include "host.h"

enum { HIDDEN = 16 /* entries that can be hidden */ };

static const char *const poison[] = {
    "GODEBUG=", "GOGC=", "GOMAXPROCS=", "GOMEMLIMIT=", "GOTRACEBACK=",
};

static struct {
    char **slot;
    char *value;
} hidden[HIDDEN];

static int count;

static int is_poison(const char *entry) {
    size_t i;

    for (i = 0; i < sizeof poison / sizeof *poison; i++)
        if (strncmp(entry, poison[i], strlen(poison[i])) == 0)
            return 1;
    return 0;
}

/*
 * Edits the process's original environment block, behind argv, because Go
 * looks there whatever setenv has done since. One pointer changes at a time,
 * so that other threads never see the block half-changed.
 */
void avir_hide_environment(char **argv, int argc) {
    static char nothing[4];
    char **slot;

    for (slot = argv + argc + 1; *slot != NULL && count < HIDDEN; slot++) {
        if (!is_poison(*slot))
            continue;
        hidden[count].slot = slot;
        hidden[count].value = *slot;
        count++;
        *slot = nothing;
    }
}

void avir_unhide_environment(void) {
    while (count > 0) {
        count--;
        *hidden[count].slot = hidden[count].value;
    }
}
