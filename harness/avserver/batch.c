#include "batch.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "log.h"
#include "plugin.h"
#include "workers.h"

/* An idle worker ends after this long, so that a long list of files sees
 * threads come and go as in the real server. */
#define IDLE_MS 200

struct batch {
    struct options *options;
    struct plugin plugin;
    int ok;
    int misuse; /* of the command line, found with the plugin's help */
};

struct result {
    struct job job; /* first: job->done finds the result by it */
    int ready;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t finished = PTHREAD_COND_INITIALIZER;

/* put prints one field of a line so that it stays one field. */
static void put(const char *text, char end) {
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        if (*at < 0x20 || *at == 0x7F || *at == '\\')
            printf("\\x%02X", *at);
        else
            putchar(*at);
    putchar(end);
}

static void line(const char *kind, const char *name, const char *value) {
    put(kind, '\t');
    put(name, '\t');
    put(value, '\n');
}

static void to_stderr(enum log_level level, const char *text) {
    fprintf(stderr, "%s: %s\n", log_level_name[level], text);
}

static void refuse_format(const char *format, const char *why) {
    fprintf(stderr, "avserver: dangerous log format: %s: %s\n", why, format);
}

/* copy_options stores what the plugin says its options are, each cut where a
 * field has no NUL, and the list where it has no end. Returns -1 for NULL. */
static int copy_options(const avir_plugin_extended_thread_iface *t, avir_plugin_config *copy) {
    avir_plugin_config *options = t->get_plugin_config();
    if (!options)
        return -1;
    for (int i = 0; i < MAX_SETTINGS && options[i].name[0]; i++) {
        memcpy(copy[i].name, options[i].name, sizeof copy[i].name - 1);
        memcpy(copy[i].value, options[i].value, sizeof copy[i].value - 1);
    }
    t->free_plugin_config(options);
    return 0;
}

static int has_option(const avir_plugin_config *options, const char *name) {
    for (; options->name[0]; options++)
        if (!strcasecmp(options->name, name)) /* the locale is "C" */
            return 1;
    return 0;
}

/* set_options sets and prints the options; it returns 0 when all are known. */
static int set_options(struct batch *b) {
    const avir_plugin_extended_thread_iface *t = b->plugin.iface;
    const avir_plugin_config *settings = b->options->settings;
    avir_plugin_config options[MAX_SETTINGS + 1];
    int known = t->set_plugin_config(settings), given = 0;
    memset(options, 0, sizeof options);
    if (copy_options(t, options)) {
        fprintf(stderr, "avserver: %s: get_plugin_config returned NULL\n", b->options->plugin);
        return -1;
    }
    for (const avir_plugin_config *o = options; o->name[0]; o++)
        line("option", o->name, o->value);
    fflush(stdout);
    while (settings[given].name[0])
        given++;
    if (known >= given)
        return 0;
    fprintf(stderr, "avserver: --set: %s took %d of %d options", b->options->plugin, known, given);
    for (const avir_plugin_config *s = settings; s->name[0]; s++)
        if (!has_option(options, s->name)) {
            fprintf(stderr, "%s \"%s\"", b->misuse ? "," : "; it has no", s->name);
            b->misuse = 1;
        }
    fputs(b->misuse ? " (--info lists all)\n" : ", and has them all\n", stderr);
    return -1;
}

static void *load(void *argument) {
    struct batch *b = argument;
    struct plugin *p = &b->plugin;
    if (plugin_load(p, b->options->plugin, RTLD_NOW)) {
        fprintf(stderr, "avserver: load %s: %s\n", b->options->plugin, p->error);
        return NULL;
    }
    line("info", "name", p->info.name);
    line("info", "description", p->info.description);
    if (set_options(b))
        return NULL;
    if (b->options->info_only) {
        p->iface->get_error_message(p->error, sizeof p->error);
        p->error[sizeof p->error - 1] = 0;
        if (p->error[0]) /* it knows already why it can't start */
            line("info", "error", p->error);
        b->ok = 1;
        return NULL;
    }
    unsigned long long start = now_ns();
    b->ok = !plugin_init(p, host_log);
    char ms[32];
    snprintf(ms, sizeof ms, "%.3f ms", (double)(now_ns() - start) / 1e6);
    line("init", b->ok ? "ok" : "failed", b->ok ? ms : p->error);
    fflush(stdout);
    return NULL;
}

static void done(struct job *job) {
    pthread_mutex_lock(&lock);
    ((struct result *)job)->ready = 1;
    pthread_cond_broadcast(&finished);
    pthread_mutex_unlock(&lock);
}

/* print returns the exit status that this verdict asks for. */
static int print(const struct scan *s) {
    const char *verdict = verdict_name(s->verdict);
    int status = s->verdict == AVCHK_ERROR ? 3 : 0;
    char number[32];
    if (!verdict || s->unterminated || s->overrun) {
        snprintf(number, sizeof number, "%d", s->verdict);
        fprintf(stderr, "avserver: %s: the plugin broke the interface: %s\n", s->path,
                s->verdict == SCAN_NO_CONTEXT ? "plugin_thread_init failed"
                : !verdict                    ? "unknown result"
                : s->overrun                  ? "wrote beyond vir_info"
                                              : "vir_info has no ending NUL");
        status = 1;
    }
    put("verdict", '\t');
    put(verdict ? verdict : number, '\t');
    put(s->path, '\t');
    put(s->text, '\n');
    fflush(stdout);
    return status;
}

/* scan_all prints the verdicts in the order of the command line, each as soon
 * as it and those before it are there. */
static int scan_all(struct batch *b) {
    struct options *o = b->options;
    struct result *results = calloc((size_t)o->file_count, sizeof *results);
    struct workers pool;
    int status = 0, queued = 0;
    if (!results) {
        fprintf(stderr, "avserver: no memory for %d results\n", o->file_count);
        return 1;
    }
    workers_start(&pool, &b->plugin, o->threads, IDLE_MS);
    for (; queued < o->file_count; queued++) {
        struct job *job = &results[queued].job;
        job->scan.path = job->scan.realname = o->files[queued];
        job->scan.vi_size = VI_SIZE;
        job->done = done;
        if (workers_submit(&pool, job)) {
            fprintf(stderr, "avserver: %s: can't make a worker thread\n", o->files[queued]);
            status = 1;
            break;
        }
    }
    for (int i = 0; i < queued; i++) {
        pthread_mutex_lock(&lock);
        while (!results[i].ready)
            pthread_cond_wait(&finished, &lock);
        pthread_mutex_unlock(&lock);
        int asked = print(&results[i].job.scan);
        if (asked && status != 1)
            status = asked;
    }
    workers_stop(&pool);
    free(results);
    return status;
}

int run_batch(struct options *o) {
    struct batch b = {.options = o};
    log_sink = to_stderr;
    log_danger = refuse_format;
    int err = run_on_worker(load, &b);
    if (err) {
        fprintf(stderr, "avserver: can't make a worker thread: %s\n", strerror(err));
        return 1;
    }
    if (!b.ok || o->info_only)
        return b.ok ? 0 : b.misuse ? 2 : 1;
    int status = scan_all(&b);
    int closed = b.plugin.iface->plugin_close();
    line("close", closed == 1 ? "ok" : "failed", "");
    plugin_unload(&b.plugin);
    fflush(stdout);
    return closed == 1 ? status : 1;
}
