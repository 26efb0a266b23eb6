/*
 * A plugin in C whose scan returns at once: what one scan call costs the host
 * at the very least. It is measured beside the SDK and used for nothing else.
 */
#include <stdlib.h>
#include <string.h>

#include "avApi.h"

static void get_plugin_info(avir_plugin_info *info) {
    memset(info, 0, sizeof *info);
    strcpy(info->name, "avir_noop");
    strcpy(info->description, "Scans nothing, for benchmarks");
}

static void get_error_message(char *buffer, int size) {
    if (size > 0)
        *buffer = 0;
}

static int set_plugin_config(const avir_plugin_config *config) {
    (void)config;
    return 0;
}

static avir_plugin_config *get_plugin_config(void) {
    return calloc(1, sizeof(avir_plugin_config));
}

static void free_plugin_config(avir_plugin_config *config) {
    free(config);
}

static int plugin_init(AV_LOG_CALLBACK_NEW log) {
    (void)log;
    return 1;
}

static int plugin_close(void) {
    return 1;
}

static int plugin_thread(void **context) {
    *context = NULL;
    return 1;
}

static int test_file(void *context, const char *filename, const char *realname, char *reserved,
                     unsigned int reserved_size, char *vir_info, unsigned int vi_size) {
    (void)context, (void)filename, (void)realname, (void)reserved, (void)reserved_size;
    if (vi_size > 0)
        *vir_info = 0;
    return AVCHK_OK;
}

avir_plugin_extended_thread_iface *get_plugin_extended_iface(unsigned int *version) {
    static avir_plugin_extended_thread_iface table = {get_plugin_info,
                                                      get_error_message,
                                                      set_plugin_config,
                                                      get_plugin_config,
                                                      free_plugin_config,
                                                      plugin_init,
                                                      plugin_close,
                                                      NULL,
                                                      NULL,
                                                      NULL,
                                                      NULL,
                                                      plugin_thread,
                                                      plugin_thread,
                                                      test_file};
    *version = 2;
    return &table;
}
