/* An honest plugin in C, with places where a sin is committed. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "avApi.h"
#include "scanner.h"
#include "sins.h"

static avir_plugin_config options[] = {{"Option 1", "0"}, {"Option 2", "a string"}, {"", ""}};
static volatile int running;
static int contexts; /* open now */

static void copy(char *to, const char *from, unsigned size) {
    if (to && size)
        snprintf(to, size, "%s", from);
}

static void get_plugin_info(avir_plugin_info *info) {
    if (!info && SIN != CRASH_ON_NULL)
        return;
    memset(info, 0, sizeof *info);
    copy(info->name, SIN == WRONG_NAME ? "avir_other" : "avir_sins", sizeof info->name);
    copy(info->description, "A plugin with one sin 1.0", sizeof info->description);
}

static void get_error_message(char *buffer, int size) {
    sin_message();
    if (size > 0)
        copy(buffer, SIN == LONG_ERROR ? "a message" : "", SIN == LONG_ERROR ? 512 : (unsigned)size);
}

static int same_name(const char *a, const char *b) {
    size_t size = sizeof options->name;
    return SIN == CASE_SENSITIVE ? !strncmp(a, b, size) : !strncasecmp(a, b, size);
}

static int set_plugin_config(const avir_plugin_config *c) {
    int known = 0;
    for (; c && c->name[0]; c++)
        for (avir_plugin_config *o = options; o->name[0]; o++)
            if (same_name(o->name, c->name)) {
                snprintf(o->value, sizeof o->value, "%.127s", c->value);
                known++;
            }
    return known;
}

static avir_plugin_config *get_plugin_config(void) {
    if (SIN == SHARED_OPTIONS)
        return options;
    avir_plugin_config *c = malloc(sizeof options);
    if (c)
        memcpy(c, options, sizeof options);
    return c;
}

static void free_plugin_config(avir_plugin_config *c) {
    if (c != options)
        free(c);
}

static int plugin_init(AV_LOG_CALLBACK_NEW log) {
    running = sin_init(log);
    return running;
}

static int plugin_close(void) {
    running = SIN == FREE_UNDER_SCANS;
    sin_close();
    return 1;
}

static int thread_init(void **context) {
    static char shared;
    if (!context)
        return 0;
    sin_thread();
    if (__sync_add_and_fetch(&contexts, 1) > 64 && SIN == FEW_CONTEXTS)
        return 0;
    char *open = SIN == SHARED_CONTEXT ? &shared : malloc(1);
    if (open)
        *open = 1;
    *context = open;
    return open != NULL;
}

static int thread_close(void **context) {
    if (!context || !*context)
        return 0;
    __sync_sub_and_fetch(&contexts, 1);
    if (SIN == SHARED_CONTEXT)
        *(char *)*context = 0;
    else
        free(*context);
    *context = NULL;
    return 1;
}

static int test_file(void *context, const char *path, const char *realname, char *reserved,
                     unsigned reserved_size, char *vir_info, unsigned size) {
    (void)realname, (void)reserved, (void)reserved_size;
    copy(vir_info, "", size);
    if (!context || !path || !*(const char *)context)
        return AVCHK_FAILED;
    if (!running)
        return SIN == OK_WHEN_CLOSED ? AVCHK_OK : AVCHK_FAILED;
    sin_before_scan(path);
    int result = scan_path(path);
    copy(vir_info, result == AVCHK_VIRUS_FOUND ? "Eicar-Test-Signature" : "", size);
    return sin_after_scan(result, path, vir_info, size);
}

static avir_plugin_extended_thread_iface table = {
    .get_plugin_info = get_plugin_info,
    .get_error_message = get_error_message,
    .set_plugin_config = set_plugin_config,
    .get_plugin_config = get_plugin_config,
    .free_plugin_config = free_plugin_config,
    .plugin_init = plugin_init,
    .plugin_close = plugin_close,
    .plugin_thread_init = thread_init,
    .plugin_thread_close = thread_close,
    .plugin_thread_test_file = test_file,
};

AVIR_EXPORT avir_plugin_extended_thread_iface *get_plugin_extended_iface(unsigned *version) {
    if (version)
        *version = AVIR_IFACE_VERSION;
    sin_load(&table, version);
    return &table;
}
