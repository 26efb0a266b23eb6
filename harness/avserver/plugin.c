#include "plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elffile.h"

typedef avir_plugin_extended_thread_iface *(*entry)(unsigned *version);

/* The info is filled with this before the call, so that a name without its
 * terminator doesn't look like one with it. */
#define FILLER 0x5A

/* check_interface returns what makes the table unusable, or NULL. */
static const char *check_interface(const struct plugin *p) {
    const avir_plugin_extended_thread_iface *t = p->iface;
    if (!t)
        return "get_plugin_extended_iface returned NULL";
    if (p->version != 2)
        return "get_plugin_extended_iface did not set the version to 2";
    if (t->reserved1 || t->reserved2 || t->reserved3 || t->reserved4)
        return "a reserved slot of the interface is not NULL";
    if (!t->get_plugin_info || !t->get_error_message || !t->set_plugin_config || !t->get_plugin_config ||
        !t->free_plugin_config || !t->plugin_init || !t->plugin_close || !t->plugin_thread_init ||
        !t->plugin_thread_close || !t->plugin_thread_test_file)
        return "a function of the interface is NULL";
    return NULL;
}

/* open_file keeps dlopen from searching the system's libraries for a name that
 * has no slash. */
static void *open_file(const char *path, int flags) {
    char *here = strchr(path, '/') ? NULL : malloc(strlen(path) + sizeof "./");
    if (here) {
        strcpy(here, "./");
        path = strcat(here, path);
    }
    void *handle = dlopen(path, flags);
    free(here);
    return handle;
}

int plugin_load(struct plugin *p, const char *path, int flags) {
    memset(p, 0, sizeof *p);
    if (unfit(path, p->error, sizeof p->error))
        return -1;
    p->handle = open_file(path, flags);
    if (!p->handle) {
        const char *why = dlerror();
        snprintf(p->error, sizeof p->error, "dlopen: %s", why ? why : "no reason given");
        return -1;
    }
    entry get;
    *(void **)&get = dlsym(p->handle, "get_plugin_extended_iface");
    const char *wrong = "the library does not export get_plugin_extended_iface";
    if (get) {
        p->iface = get(&p->version); /* the real host passes 0 in */
        wrong = check_interface(p);
    }
    if (wrong) {
        snprintf(p->error, sizeof p->error, "%s", wrong);
        plugin_unload(p);
        return -1;
    }
    memset(&p->info, FILLER, sizeof p->info);
    p->iface->get_plugin_info(&p->info);
    if (!memchr(p->info.name, 0, sizeof p->info.name) ||
        !memchr(p->info.description, 0, sizeof p->info.description)) {
        snprintf(p->error, sizeof p->error, "get_plugin_info left a string without its ending NUL");
        plugin_unload(p);
        return -1;
    }
    return 0;
}

int plugin_init(struct plugin *p, AV_LOG_CALLBACK_NEW log) {
    if (p->iface->plugin_init(log) == 1)
        return 0;
    p->iface->get_error_message(p->error, sizeof p->error);
    p->error[sizeof p->error - 1] = 0;
    return -1;
}

void plugin_unload(struct plugin *p) {
    if (p->handle)
        dlclose(p->handle);
    p->handle = NULL;
    p->iface = NULL;
}

const char *verdict_name(int verdict) {
    switch (verdict) {
    case AVCHK_FAILED:
        return "FAILED";
    case AVCHK_OK:
        return "OK";
    case AVCHK_VIRUS_FOUND:
        return "VIRUS_FOUND";
    case AVCHK_VIRUS_CURED:
        return "VIRUS_CURED";
    case AVCHK_IMPOSSIBLE:
        return "IMPOSSIBLE";
    case AVCHK_ERROR:
        return "ERROR";
    }
    return NULL;
}
