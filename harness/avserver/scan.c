#include "scan.h"

#include <string.h>

#include "clock.h"

/* What lies on both sides of vir_info; a plugin that takes the usual 512 byte
 * MAX_STRING for vi_size is still well inside it. */
#define FIELD 1024
#define CANARY 0xA5

static unsigned changed(const unsigned char *field) {
    unsigned n = 0;
    for (int i = 0; i < FIELD; i++)
        n += field[i] != CANARY;
    return n;
}

void scan_file(const struct plugin *p, void *context, struct scan *s) {
    unsigned char memory[FIELD + VI_MAX + FIELD];
    char *vir_info = (char *)memory + FIELD;
    if (s->vi_size > VI_MAX)
        s->vi_size = VI_MAX;
    memset(memory, CANARY, FIELD + s->vi_size + FIELD);
    unsigned long long start = now_ns();
    s->verdict = p->iface->plugin_thread_test_file(context, s->path, s->realname, NULL, 0, vir_info,
                                                   s->vi_size);
    s->ns = now_ns() - start;
    s->overrun = changed(memory) + changed(memory + FIELD + s->vi_size);
    const char *end = memchr(vir_info, 0, s->vi_size);
    s->unterminated = s->vi_size > 0 && !end;
    size_t n = end ? (size_t)(end - vir_info) : s->vi_size;
    memcpy(s->text, vir_info, n);
    s->text[n] = 0;
}
