#define _GNU_SOURCE
#include "altstack.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SIZE ((size_t)64 * 1024)

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31) /* Linux 4.7 */
#endif

int altstack_known(const char *kind) {
    return !strcmp(kind, "off") || !strcmp(kind, "own") || !strcmp(kind, "autodisarm");
}

static void off(void) {
    stack_t none = {.ss_flags = SS_DISABLE};
    sigaltstack(&none, NULL);
}

void altstack_change(struct altstack *a, const char *kind) {
    if (!a->memory)
        a->memory = malloc(2 * SIZE);
    if (!a->memory)
        return;
    stack_t stack = {.ss_sp = a->memory + (a->turn++ & 1) * SIZE, .ss_size = SIZE};
    if (!strcmp(kind, "autodisarm"))
        stack.ss_flags = (int)SS_AUTODISARM;
    if (sigaltstack(&stack, NULL) && stack.ss_flags) { /* an older kernel */
        stack.ss_flags = 0;
        sigaltstack(&stack, NULL);
    }
    if (!strcmp(kind, "off"))
        off();
}

void altstack_end(struct altstack *a) {
    if (!a->memory)
        return;
    off();
    free(a->memory);
}
