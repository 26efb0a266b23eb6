/*
 * The host's table. Each function answers by itself in a forked child and
 * enters Go otherwise.
 */
#include <stdlib.h>
#include <string.h>

#include "_cgo_export.h"
#include "host.h"

static const char forked[] = "the plugin can't be used in a forked process";

/* Longer names than any file system takes are cut. */
enum { NAME_LIMIT = 64 * 1024 };

avir_plugin_info avir_info;

static void get_plugin_info(avir_plugin_info *info) {
    struct avir_entry entry;

    if (info == NULL)
        return;
    if (avir_enter(&entry)) {
        avirBind(); /* waits for the registration */
        avir_leave(&entry);
    }
    *info = avir_info;
}

static void get_error_message(char *buffer, int size) {
    struct avir_entry entry;

    if (buffer == NULL || size <= 0)
        return;
    buffer[0] = 0;
    if (avir_enter(&entry)) {
        avirErrorMessage(buffer, size);
        avir_leave(&entry);
    } else {
        strncat(buffer, forked, (size_t)size - 1);
    }
}

static int set_plugin_config(const avir_plugin_config *config) {
    struct avir_entry entry;
    int known = 0;

    if (config != NULL && avir_enter(&entry)) {
        known = avirSetConfig((avir_plugin_config *)config);
        avir_leave(&entry);
    }
    return known;
}

static avir_plugin_config *get_plugin_config(void) {
    struct avir_entry entry;
    avir_plugin_config *config = NULL;

    if (avir_enter(&entry)) {
        config = avirGetConfig();
        avir_leave(&entry);
    }
    return config;
}

static void free_plugin_config(avir_plugin_config *config) {
    if (!avir_in_child()) /* a child's heap may be locked for ever */
        free(config);
}

static int plugin_init(AV_LOG_CALLBACK_NEW log) {
    struct avir_entry entry;
    int done = 0;

    if (avir_enter(&entry)) {
        avir_handlers_on_stack();
        done = avirInit(log);
        avir_leave(&entry);
    }
    return done;
}

static int plugin_close(void) {
    struct avir_entry entry;
    int done = 0;

    if (avir_enter(&entry)) {
        done = avirClose();
        avir_leave(&entry);
    }
    return done;
}

static int plugin_thread_init(void **context) {
    struct avir_entry entry;
    uintptr_t handle = 0;

    if (context == NULL)
        return 0;
    if (avir_enter(&entry)) {
        handle = avirThreadInit();
        avir_leave(&entry);
    }
    *context = (void *)handle;
    return handle != 0;
}

static int plugin_thread_close(void **context) {
    struct avir_entry entry;
    uintptr_t handle;
    int done = 0;

    if (context == NULL)
        return 0;
    handle = (uintptr_t)*context;
    *context = NULL;
    if (handle != 0 && avir_enter(&entry)) {
        done = avirThreadClose(handle);
        avir_leave(&entry);
    }
    return done;
}

static int length(const char *name) {
    return name == NULL ? 0 : (int)strnlen(name, NAME_LIMIT);
}

static int plugin_thread_test_file(void *context, const char *filename, const char *realname, char *reserved,
                                   unsigned int reserved_size, char *vir_info, unsigned int vi_size) {
    struct avir_entry entry;
    int verdict = AVCHK_FAILED;

    (void)reserved;
    (void)reserved_size;
    if (vir_info == NULL)
        vi_size = 0;
    if (vi_size > 0)
        vir_info[0] = 0;
    if (avir_enter(&entry)) {
        verdict = avirTestFile((uintptr_t)context, (char *)filename, length(filename), (char *)realname,
                               length(realname), vir_info, vi_size);
        avir_leave(&entry);
    } else if (vi_size > 0) {
        strncat(vir_info, forked, vi_size - 1);
    }
    return verdict;
}

static avir_plugin_extended_thread_iface table = {
    get_plugin_info,
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
    plugin_thread_init,
    plugin_thread_close,
    plugin_thread_test_file,
};

avir_plugin_extended_thread_iface *get_plugin_extended_iface(unsigned int *version) {
    if (version != NULL)
        *version = AVIR_IFACE_VERSION;
    return &table;
}
