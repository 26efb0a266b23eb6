#include "requests.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "options.h"

/* loaded answers with an error when there is no plugin. */
static int loaded(const struct server *s, struct reply *reply) {
    if (s->plugin.iface)
        return 1;
    reply_error(reply, "no plugin is loaded");
    return 0;
}

/* load FILE [global] */
void do_load(struct server *s, struct request *r, struct reply *reply) {
    int flags = strcmp(word(r, 3), "global") ? RTLD_NOW : RTLD_NOW | RTLD_GLOBAL;
    unsigned long long start = now_ns();
    if (plugin_load(&s->plugin, word(r, 2), flags)) {
        reply_error(reply, "%s", s->plugin.error);
        return;
    }
    const avir_plugin_info *info = &s->plugin.info;
    reply_number(reply, "ns", (long long)(now_ns() - start));
    reply_text(reply, "name", info->name);
    reply_text(reply, "description", info->description);
    int clean = !info->reserved2;
    for (size_t i = 0; i < sizeof info->reserved; i++)
        clean &= !info->reserved[i];
    reply_number(reply, "reserved-zero", clean);
    reply_ok(reply);
}

/* set [NAME VALUE]... */
void do_set(struct server *s, struct request *r, struct reply *reply) {
    avir_plugin_config settings[MAX_SETTINGS + 1];
    memset(settings, 0, sizeof settings);
    if (!loaded(s, reply))
        return;
    for (int i = 2; i < r->count; i += 2) {
        const char *wrong = add_setting(settings, r->word[i], word(r, i + 1));
        if (wrong) {
            reply_error(reply, "%s", wrong);
            return;
        }
    }
    reply_number(reply, "known", s->plugin.iface->set_plugin_config(settings));
    reply_ok(reply);
}

/* options: NAME VALUE pairs, cut where a field has no NUL. */
void do_options(struct server *s, struct request *r, struct reply *reply) {
    (void)r;
    if (!loaded(s, reply))
        return;
    avir_plugin_config *options = s->plugin.iface->get_plugin_config();
    if (!options) {
        reply_error(reply, "get_plugin_config returned NULL");
        return;
    }
    for (avir_plugin_config *o = options; o < options + MAX_SETTINGS && o->name[0]; o++) {
        char name[sizeof o->name + 1] = "", value[sizeof o->value + 1] = "";
        memcpy(name, o->name, sizeof o->name);
        memcpy(value, o->value, sizeof o->value);
        reply_text(reply, name, value);
    }
    s->plugin.iface->free_plugin_config(options);
    reply_ok(reply);
}

/* init */
void do_init(struct server *s, struct request *r, struct reply *reply) {
    (void)r;
    if (!loaded(s, reply))
        return;
    unsigned long long start = now_ns();
    if (plugin_init(&s->plugin, host_log)) {
        reply_error(reply, "%s", s->plugin.error);
        return;
    }
    reply_number(reply, "ns", (long long)(now_ns() - start));
    reply_ok(reply);
}

/* workers LIMIT IDLE_MS */
void do_workers(struct server *s, struct request *r, struct reply *reply) {
    unsigned limit, idle;
    if (!loaded(s, reply) || number_at(r, 2, &limit, reply) || number_at(r, 3, &idle, reply))
        return;
    if (s->working || !limit) {
        reply_error(reply, "workers run already, or are none");
        return;
    }
    workers_start(&s->workers, &s->plugin, limit, idle);
    s->working = 1;
    reply_ok(reply);
}

struct pending {
    struct job job; /* first: job->done finds the rest by it */
    struct reply reply;
    char *id, *path, *realname;
};

static void forget(struct pending *p) {
    free(p->id);
    free(p->path);
    free(p->realname);
    free(p);
}

static void scanned(struct job *job) {
    struct pending *p = (struct pending *)job;
    struct reply *reply = &p->reply;
    reply_number(reply, "verdict", job->scan.verdict);
    reply_text(reply, "text", job->scan.text);
    reply_number(reply, "unterminated", job->scan.unterminated);
    reply_number(reply, "overrun", job->scan.overrun);
    reply_number(reply, "ns", (long long)job->scan.ns);
    reply_ok(reply);
    forget(p);
}

/* scan VI_SIZE PATH [REALNAME]: answered from the worker thread. */
void do_scan(struct server *s, struct request *r, struct reply *reply) {
    unsigned vi_size;
    if (number_at(r, 2, &vi_size, reply))
        return;
    struct pending *p = calloc(1, sizeof *p);
    if (!s->working || !p) {
        free(p);
        reply_error(reply, "no workers were started, or no memory");
        return;
    }
    p->id = strdup(r->word[0]);
    p->path = strdup(word(r, 3));
    p->realname = r->count > 4 ? strdup(r->word[4]) : NULL;
    p->reply = *reply;
    p->reply.id = p->id;
    p->job.scan.path = p->path;
    p->job.scan.realname = p->realname;
    p->job.scan.vi_size = vi_size;
    p->job.done = scanned;
    if (workers_submit(&s->workers, &p->job)) {
        forget(p);
        reply_error(reply, "can't make a worker thread");
    }
}

/* stop: the workers finish what is queued and close their contexts. */
void do_stop(struct server *s, struct request *r, struct reply *reply) {
    (void)r;
    if (s->working) {
        workers_stop(&s->workers);
        reply_number(reply, "made", s->workers.made);
    }
    s->working = 0;
    reply_ok(reply);
}

/* close: plugin_close, here on the main thread. */
void do_close(struct server *s, struct request *r, struct reply *reply) {
    (void)r;
    if (!loaded(s, reply))
        return;
    unsigned long long start = now_ns();
    int result = s->plugin.iface->plugin_close();
    reply_number(reply, "result", result);
    reply_number(reply, "ns", (long long)(now_ns() - start));
    reply_ok(reply);
}

/* unload */
void do_unload(struct server *s, struct request *r, struct reply *reply) {
    (void)r;
    plugin_unload(&s->plugin);
    reply_ok(reply);
}
