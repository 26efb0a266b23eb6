/* One loaded plugin library, and the calls on it that have rules of their own. */
#ifndef PLUGIN_H
#define PLUGIN_H

#include "../../api/abi/avApi.h"

struct plugin {
    void *handle;
    avir_plugin_extended_thread_iface *iface;
    unsigned version;      /* what the plugin stored through its argument */
    avir_plugin_info info; /* every byte of it as the plugin left it */
    char error[512];       /* why the last call below failed */
};

/* plugin_load opens the library, asks for its interface and its info, and
 * refuses an interface that a host could not call. A path without a slash is a
 * file of the working directory. flags are dlopen's.
 * Returns 0, or -1 with p->error set. Call it on a worker thread. */
int plugin_load(struct plugin *p, const char *path, int flags);

/* plugin_init calls plugin_init; on failure p->error is the plugin's message. */
int plugin_init(struct plugin *p, AV_LOG_CALLBACK_NEW log);

/* plugin_unload dlcloses the library. */
void plugin_unload(struct plugin *p);

/* verdict_name returns the name of an AVCHK_ code without its prefix, or NULL
 * for a code that the interface doesn't have. */
const char *verdict_name(int verdict);

#endif
