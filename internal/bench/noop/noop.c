/* A plugin in C whose scan returns at once: what a scan call costs the host at
 * the very least. The benchmark measures it beside the SDK. */
#include <stdlib.h>
#include <string.h>

#include "avApi.h"

static void info(avir_plugin_info *i) {
    memset(i, 0, sizeof *i);
    strcpy(i->name, "avir_noop");
    strcpy(i->description, "Scans nothing, for benchmarks");
}

static void no_error(char *buffer, int size) {
    if (size > 0)
        *buffer = 0;
}

static int take_no_options(const avir_plugin_config *config) {
    (void)config;
    return 0;
}

static avir_plugin_config *no_options(void) {
    return calloc(1, sizeof(avir_plugin_config));
}

static void free_options(avir_plugin_config *config) {
    free(config);
}

static int start(AV_LOG_CALLBACK_NEW log) {
    (void)log;
    return 1;
}

static int stop(void) {
    return 1;
}

static int no_context(void **context) {
    *context = NULL;
    return 1;
}

static int scan(void *context, const char *filename, const char *realname, char *reserved,
                unsigned int reserved_size, char *vir_info, unsigned int vi_size) {
    (void)context, (void)filename, (void)realname, (void)reserved, (void)reserved_size;
    if (vi_size > 0)
        *vir_info = 0;
    return AVCHK_OK;
}

avir_plugin_extended_thread_iface *get_plugin_extended_iface(unsigned int *version) {
    static avir_plugin_extended_thread_iface table = {
        info, no_error, take_no_options, no_options, free_options, start, stop, NULL, NULL,
        NULL, NULL,     no_context,      no_context, scan};
    *version = 2;
    return &table;
}
