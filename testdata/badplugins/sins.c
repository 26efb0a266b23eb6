/* Bad plugins: compiled with -DSIN=name, each commits that one sin. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "avApi.h"
#include "scanner.h"

static avir_plugin_config options[] = {{"Option 1", "0"}, {"Option 2", "a string"}, {"", ""}};
static AV_LOG_CALLBACK_NEW log_line;

static void copy(char *to, const char *from, unsigned size) {
    if (to && size)
        snprintf(to, size, "%s", from);
}

static void get_plugin_info(avir_plugin_info *info) {
    if (!info)
        return;
    memset(info, 0, sizeof *info);
    copy(info->name, "avir_sins", sizeof info->name);
    copy(info->description, "A plugin with one sin 1.0", sizeof info->description);
}

static void get_error_message(char *buffer, int size) {
    if (size > 0)
        copy(buffer, "", (unsigned)size);
}

static int set_plugin_config(const avir_plugin_config *c) {
    int known = 0;
    for (; c && c->name[0]; c++)
        for (avir_plugin_config *o = options; o->name[0]; o++)
            if (!strncasecmp(o->name, c->name, sizeof o->name)) {
                snprintf(o->value, sizeof o->value, "%.127s", c->value);
                known++;
            }
    return known;
}

static avir_plugin_config *get_plugin_config(void) {
    avir_plugin_config *c = malloc(sizeof options);
    if (c)
        memcpy(c, options, sizeof options);
    return c;
}

static void free_plugin_config(avir_plugin_config *c) { free(c); }

static int plugin_init(AV_LOG_CALLBACK_NEW log) {
    log_line = log;
    return 1;
}

static int plugin_close(void) { return 1; }

static int thread_init(void **context) {
    if (!context)
        return 0;
    *context = malloc(1);
    return *context != NULL;
}

static int thread_close(void **context) {
    if (!context || !*context)
        return 0;
    free(*context);
    *context = NULL;
    return 1;
}

static int test_file(void *context, const char *path, const char *realname, char *reserved,
                     unsigned reserved_size, char *vir_info, unsigned size) {
    (void)realname, (void)reserved, (void)reserved_size;
    copy(vir_info, "", size);
    if (!context || !path)
        return AVCHK_FAILED;
    int result = scan_path(path);
    copy(vir_info, result == AVCHK_VIRUS_FOUND ? "Eicar-Test-Signature" : "", size);
    return result;
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

__attribute__((visibility("default"))) avir_plugin_extended_thread_iface *
get_plugin_extended_iface(unsigned *version) {
    if (version)
        *version = 2;
    return &table;
}
