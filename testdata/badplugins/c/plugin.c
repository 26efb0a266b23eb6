/* An honest plugin in C, with places where a sin is committed. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "avApi.h"
#include "scanner.h"
#include "sins.h"

static avir_plugin_config options[] = {{"Option 1", "0"}, {"Option 2", "a string"}, {"", ""}};
static volatile int running, started, closing;
static volatile int contexts; /* open now */

static void copy(char *to, const char *from, unsigned size) {
    if (to && size)
        snprintf(to, size, "%s", from);
}

static void get_plugin_info(avir_plugin_info *info) {
    if (!info && SIN != CRASH_ON_NULL)
        return;
    if (SIN != RESERVED_FIELD)
        memset(info, 0, sizeof *info);
    copy(info->name, SIN == WRONG_NAME ? "avir_other" : "avir_sins", sizeof info->name);
    copy(info->description,
         SIN == NO_DESCRIPTION        ? ""
         : SIN == FOREIGN_DESCRIPTION ? "\xC4\x8D"
                                      : "A plugin with one sin 1.0",
         sizeof info->description);
}

static void get_error_message(char *buffer, int size) {
    sin_message();
    if (size <= 0)
        return;
    if (SIN == LONG_ERROR)
        copy(buffer, "a message", 512);
    else if (SIN == ENDLESS_ERROR && buffer)
        memset(buffer, 'x', (size_t)size);
    else
        copy(buffer, SIN == ERROR_NOT_ASCII ? "\xC4\x8D" : "", (unsigned)size);
}

static int same_name(const char *a, const char *b) {
    size_t size = sizeof options->name;
    return SIN == CASE_SENSITIVE ? !strncmp(a, b, size) : !strncasecmp(a, b, size);
}

/* A list may lack its end: it ends where its memory does, then. */
static int is_entry(const avir_plugin_config *c) {
    size_t before = (size_t)c % 4096; /* of its first page */
    if (SIN != READ_PAST_END && msync((char *)c - before, before + sizeof *c, MS_ASYNC) && errno == ENOMEM)
        return 0;
    return c->name[0];
}

static int set_plugin_config(const avir_plugin_config *c) {
    int known = 0, given = 0;
    for (; c && is_entry(c); c++, given++)
        for (avir_plugin_config *o = options; o->name[0]; o++)
            if (same_name(o->name, c->name)) {
                snprintf(o->value, sizeof o->value, "%.*s", SIN == SHORT_VALUES ? 63 : 127, c->value);
                known++;
            }
    return SIN == COUNT_UNKNOWN ? given : known;
}

static avir_plugin_config *get_plugin_config(void) {
    if (SIN == SHARED_OPTIONS)
        return options;
    static int calls;
    avir_plugin_config *c = malloc(sizeof options);
    if (c)
        memcpy(c, options, sizeof options);
    if (c && SIN == SHUFFLE_OPTIONS && ++calls > 2) {
        c[0] = options[1];
        c[1] = options[0];
    }
    return c;
}

static void free_plugin_config(avir_plugin_config *c) {
    if (c != options)
        free(c);
}

static int plugin_init(AV_LOG_CALLBACK_NEW log) {
    started = 1;
    running = sin_init(log);
    return running;
}

static int plugin_close(void) {
    closing = 1;
    running = SIN == FREE_UNDER_SCANS;
    sin_close();
    while (SIN == WAIT_FOR_CONTEXTS && contexts)
        usleep(1000);
    closing = 0;
    return SIN != FAIL_CLOSE;
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
    if (SIN != KEEP_CONTEXT)
        *context = NULL;
    return 1;
}

static int ok_when_not_running(void) {
    return SIN == OK_WHEN_CLOSED || (SIN == OK_BEFORE_INIT && !started) ||
           (SIN == OK_WHILE_CLOSING && closing);
}

static int test_file(void *context, const char *path, const char *realname, char *reserved,
                     unsigned reserved_size, char *vir_info, unsigned size) {
    (void)reserved, (void)reserved_size;
    if (SIN == READ_INTO_ROOM && vir_info && size > 8 && !sin_reads_into(vir_info))
        return AVCHK_FAILED;
    copy(vir_info, "", size);
    if (!context || !path || !*(const char *)context)
        return AVCHK_FAILED;
    if (SIN == OK_IN_CHILD && sin_in_child())
        return AVCHK_OK;
    if (!running)
        return ok_when_not_running() ? AVCHK_OK : AVCHK_FAILED;
    if (SIN == SHORT_PATHS && strlen(path) > 1023)
        return AVCHK_FAILED;
    sin_before_scan(path);
    int result = scan_path(SIN == OPEN_REALNAME && realname && *realname ? realname : path);
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
    if (version || SIN == CRASH_WITHOUT_VERSION)
        *version = AVIR_IFACE_VERSION;
    sin_load(&table, version);
    return &table;
}
