/* Single calls with arguments that the harness chooses, NULL above all.
 *
 * call SLOT ARGUMENT..., where an argument is
 *   null            NULL
 *   #N              the number N; #-N is -N
 *   =TEXT           the text
 *   [N              room for N bytes between canaries
 *   context1, context2    a context; &context1, &context2 its address
 *   log             the host's log callback
 *   options         what get_plugin_config returned last
 *   settingsN       a list of N options that no plugin has
 *   lazy[N          room for N bytes that nobody has touched, see lazy.h
 *   lazysettings    a list of the plugin's own first option, untouched
 *   endlesssettings a list of 25 options that no plugin has, without an end
 *   full            one option without any NUL, with a terminator behind it */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "clock.h"
#include "lazy.h"
#include "log.h"
#include "number.h"
#include "options.h"
#include "requests.h"

/* One type serves all slots: every argument fits into an intptr_t, and in both
 * calling conventions, i386's and x86-64's, a function doesn't notice arguments
 * that it has no use for. */
typedef intptr_t slot_function(intptr_t, intptr_t, intptr_t, intptr_t, intptr_t, intptr_t, intptr_t);

#define MAX_ARGUMENTS 7

static void *contexts[2];           /* made by these calls */
static avir_plugin_config *options; /* what the plugin allocated last */

static const char *const slots[] = {"get_plugin_info",
                                    "get_error_message",
                                    "set_plugin_config",
                                    "get_plugin_config",
                                    "free_plugin_config",
                                    "plugin_init",
                                    "plugin_close",
                                    "",
                                    "",
                                    "",
                                    "",
                                    "plugin_thread_init",
                                    "plugin_thread_close",
                                    "plugin_thread_test_file"};

static slot_function *find(const struct server *s, const char *slot) {
    slot_function *f = NULL;
    if (!strcmp(slot, "get_plugin_extended_iface"))
        *(void **)&f = dlsym(s->plugin.handle, slot);
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++)
        if (*slot && !strcmp(slots[i], slot))
            memcpy(&f, (char *)s->plugin.iface + i * sizeof(void *), sizeof f);
    return f;
}

struct call {
    slot_function *function;
    intptr_t argument[MAX_ARGUMENTS];
    struct answer answer;
    char *room; /* the [N argument, if there is one */
    unsigned size;
    int bare; /* no canaries are around room */
};

static avir_plugin_config *unknown_settings(unsigned n) {
    avir_plugin_config *c = calloc(n + 1, sizeof *c);
    for (unsigned i = 0; c && i < n; i++) {
        strcpy(c[i].name, "no plugin has this option");
        strcpy(c[i].value, "%n%s%s%s");
    }
    return c;
}

static avir_plugin_config *full_setting(void) {
    avir_plugin_config *c = calloc(2, sizeof *c);
    if (c)
        memset(c, 'x', sizeof *c);
    return c;
}

/* argument turns one word into a value. It returns -1 for an unknown word. */
/* The plugin's first option with its own value, and the entry that ends a list. */
static avir_plugin_config *lazy_settings(const struct server *s) {
    avir_plugin_config list[2];
    memset(list, 0, sizeof list);
    avir_plugin_config *own = s->plugin.iface->get_plugin_config();
    if (own && own->name[0])
        list[0] = *own;
    s->plugin.iface->free_plugin_config(own);
    return lazy_take(list, sizeof list);
}

static void *endless_settings(void) {
    enum { FULL_PAGE = 4096 / sizeof(avir_plugin_config) };
    avir_plugin_config *c = unknown_settings(FULL_PAGE);
    void *list = c ? endless(c, FULL_PAGE * sizeof *c) : NULL;
    free(c);
    return list;
}

static int argument(const struct server *s, struct call *c, const char *text, intptr_t *value) {
    unsigned n;
    if (!strcmp(text, "null"))
        *value = 0;
    else if (*text == '#' && text[1] == '-' && !parse_number(text + 2, 1000000000, &n))
        *value = -(intptr_t)n;
    else if (*text == '#' && !parse_number(text + 1, 1000000000, &n))
        *value = (intptr_t)n;
    else if (*text == '=')
        *value = (intptr_t)(text + 1);
    else if (*text == '[' && !parse_number(text + 1, VI_MAX, &c->size))
        *value = (intptr_t)(c->room = answer_prepare(&c->answer, c->size));
    else if (!strncmp(text, "lazy[", 5) && !parse_number(text + 5, VI_MAX, &c->size))
        *value = (intptr_t)(c->room = lazy_take(NULL, c->size)), c->bare = 1;
    else if (!strcmp(text, "lazysettings"))
        *value = (intptr_t)lazy_settings(s);
    else if (!strcmp(text, "endlesssettings"))
        *value = (intptr_t)endless_settings();
    else if (!strncmp(text, "context", 7) && !parse_number(text + 7, 2, &n) && n)
        *value = (intptr_t)contexts[n - 1];
    else if (!strncmp(text, "&context", 8) && !parse_number(text + 8, 2, &n) && n)
        *value = (intptr_t)&contexts[n - 1];
    else if (!strcmp(text, "log"))
        *value = (intptr_t)host_log;
    else if (!strcmp(text, "options"))
        *value = (intptr_t)options;
    else if (!strcmp(text, "full"))
        *value = (intptr_t)full_setting();
    else if (!strncmp(text, "settings", 8) && !parse_number(text + 8, 100000, &n))
        *value = (intptr_t)unknown_settings(n);
    else
        return -1;
    return 0;
}

struct call *call_prepare(const struct server *s, const struct request *r, int first, struct reply *reply) {
    struct call *c = calloc(1, sizeof *c);
    if (!c || !s->plugin.iface || !(c->function = find(s, word(r, first)))) {
        reply_error(reply, "no such function, or no plugin: '%s'", word(r, first));
        free(c);
        return NULL;
    }
    for (int i = 0; i < MAX_ARGUMENTS && first + 1 + i < r->count; i++) {
        const char *text = r->word[first + 1 + i];
        if (argument(s, c, text, &c->argument[i])) {
            reply_error(reply, "unknown argument '%s'", text);
            free(c);
            return NULL;
        }
    }
    return c;
}

intptr_t call_make(const struct call *c) {
    const intptr_t *a = c->argument;
    return c->function(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
}

/* A function that returns an int leaves the upper half of x86-64's register as
 * it is. The result of one that returns nothing means nothing. */
void do_call(struct server *s, struct request *r, struct reply *reply) {
    struct call *c = call_prepare(s, r, 2, reply);
    if (!c)
        return;
    unsigned long long start = now_ns();
    intptr_t result = call_make(c);
    reply_number(reply, "ns", (long long)(now_ns() - start));
    reply_number(reply, "result", (int)result);
    reply_number(reply, "context1", contexts[0] != NULL);
    reply_number(reply, "context2", contexts[1] != NULL);
    if (!strcmp(word(r, 2), "get_plugin_config")) {
        reply_number(reply, "fresh", (avir_plugin_config *)result != options);
        options = (avir_plugin_config *)result;
    }
    if (c->room) {
        char text[VI_MAX + 1];
        const char *end = memchr(c->room, 0, c->size);
        size_t n = end ? (size_t)(end - c->room) : c->size;
        memcpy(text, c->room, n);
        text[n] = 0;
        reply_text(reply, "text", text);
        reply_number(reply, "length", (long long)n);
        reply_number(reply, "unterminated", c->size > 0 && !end);
        reply_number(reply, "overrun", c->bare ? 0 : answer_overrun(&c->answer, c->size));
    }
    reply_ok(reply);
    free(c);
}
