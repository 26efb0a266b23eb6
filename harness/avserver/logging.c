/* marker TEXT: text that must never be part of a log format.
 * reentrant: from now on the log callback calls the plugin back, as a host does
 * that asks for the error message when it sees an error line.
 * crash-in-log: from now on the log callback crashes, with the plugin's code
 * below it on the stack. */
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "requests.h"

void do_marker(struct server *s, struct request *r, struct reply *reply) {
    (void)s;
    log_marker = strdup(word(r, 2));
    reply_ok(reply);
}

static const avir_plugin_extended_thread_iface *plugin;
static void (*sink)(enum log_level level, const char *text);
static __thread int inside; /* a line that the calls below cause calls nothing */

static void call_back(enum log_level level, const char *text) {
    sink(level, text);
    if (inside)
        return;
    inside = 1;
    char message[64];
    plugin->get_error_message(message, sizeof message);
    plugin->free_plugin_config(plugin->get_plugin_config());
    inside = 0;
}

void do_reentrant(struct server *s, struct request *r, struct reply *reply) {
    (void)r;
    if (!s->plugin.iface || plugin) {
        reply_error(reply, "no plugin, or done already");
        return;
    }
    plugin = s->plugin.iface;
    sink = log_sink;
    log_sink = call_back;
    reply_ok(reply);
}

static int *volatile nowhere; /* NULL, which the compiler can't know */

static void crash(enum log_level level, const char *text) {
    (void)level, (void)text;
    *nowhere = 1;
}

void do_crash_in_log(struct server *s, struct request *r, struct reply *reply) {
    (void)s, (void)r;
    log_sink = crash;
    reply_ok(reply);
}
