#include "scan.h"

#include <string.h>

#include "clock.h"

#define CANARY 0xA5

/* A plugin that takes the usual 512 byte MAX_STRING for vi_size is still well
 * inside the field. */
static unsigned changed(const unsigned char *field) {
    unsigned n = 0;
    for (int i = 0; i < FIELD; i++)
        n += field[i] != CANARY;
    return n;
}

char *answer_prepare(struct answer *a, unsigned size) {
    memset(a->memory, CANARY, FIELD + size + FIELD);
    return (char *)a->memory + FIELD;
}

unsigned answer_overrun(const struct answer *a, unsigned size) {
    return changed(a->memory) + changed(a->memory + FIELD + size);
}

void scan_file(const struct plugin *p, void *context, struct scan *s, struct answer *a) {
    if (s->vi_size > VI_MAX)
        s->vi_size = VI_MAX;
    char *vir_info = answer_prepare(a, s->vi_size);
    unsigned long long start = now_ns();
    s->verdict =
        p->iface->plugin_thread_test_file(context, s->path, s->realname, NULL, 0, vir_info, s->vi_size);
    s->ns = now_ns() - start;
    s->overrun = answer_overrun(a, s->vi_size);
    const char *end = memchr(vir_info, 0, s->vi_size);
    s->unterminated = s->vi_size > 0 && !end;
    size_t n = end ? (size_t)(end - vir_info) : s->vi_size;
    memcpy(s->text, vir_info, n);
    s->text[n] = 0;
}
