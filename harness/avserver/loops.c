/* loop THREADS COUNT FILE...: COUNT scans in all, and how long they took.
 * pace THREADS COUNT MS FILE...: the same with a pause after each scan, as mail comes.
 * stacks KIND: the threads of the next busy change their alternate signal stack
 * before each scan, see altstack.h.
 * busy THREADS FILE...: scans without end, until calm, which reports them.
 * scanned COUNT: waits until the busy threads have ended so many more scans. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "altstack.h"
#include "clock.h"
#include "requests.h"

#define MAX_THREADS 256
#define MAX_FILES 16

/* Without pauses one scan in so many is timed, so that the clock's own cost
 * stays small. */
#define TIMED_EVERY 8
#define MAX_TIMED 200000

static struct {
    const struct plugin *plugin;
    char *file[MAX_FILES];
    unsigned files, threads, count, pause_ms;
    unsigned next;  /* number of the next scan to begin */
    unsigned ended; /* scans */
    unsigned *timed;
    unsigned timed_count;
    unsigned verdicts[MAX_FILES][8]; /* by AVCHK_ code; 6 other, 7 broken answer */
    unsigned no_context;
    volatile int stop;
    int running;
    pthread_t thread[MAX_THREADS];
    unsigned long long start, start_cpu;
} loop;

static char *stacks; /* kind of change, or NULL */

static void tally(unsigned file, const struct scan *s) {
    int v = s->verdict >= 0 && s->verdict <= 5 ? s->verdict : 6;
    if (s->unterminated || s->overrun)
        v = 7;
    __sync_fetch_and_add(&loop.verdicts[file][v], 1);
    __sync_fetch_and_add(&loop.ended, 1);
}

static void note_time(unsigned long long ns) {
    unsigned i = __sync_fetch_and_add(&loop.timed_count, 1);
    if (i < MAX_TIMED)
        loop.timed[i] = ns > 4000000000ULL ? 4000000000U : (unsigned)ns;
}

static void *scan_again(void *unused) {
    const avir_plugin_extended_thread_iface *t = loop.plugin->iface;
    struct scan *s = calloc(1, sizeof *s);
    struct answer *a = calloc(1, sizeof *a);
    void *context = NULL;
    struct altstack stack = {NULL, 0};
    if (!s || !a || t->plugin_thread_init(&context) != 1) {
        __sync_fetch_and_add(&loop.no_context, 1);
        free(s);
        free(a);
        return unused;
    }
    while (!loop.stop) {
        unsigned i = __sync_fetch_and_add(&loop.next, 1);
        if (loop.count && i >= loop.count)
            break;
        unsigned file = i % loop.files;
        s->path = s->realname = loop.file[file];
        s->vi_size = VI_SIZE;
        if (stacks)
            altstack_change(&stack, stacks);
        if (i % TIMED_EVERY == 0 || !loop.count || loop.pause_ms) {
            scan_file(loop.plugin, context, s, a);
            note_time(s->ns);
            tally(file, s);
        } else { /* the bare call */
            char *vir_info = (char *)a->memory;
            s->verdict =
                t->plugin_thread_test_file(context, s->path, s->realname, NULL, 0, vir_info, VI_SIZE);
            s->unterminated = s->overrun = 0;
            tally(file, s);
        }
        if (loop.pause_ms)
            sleep_ms(loop.pause_ms);
    }
    t->plugin_thread_close(&context);
    altstack_end(&stack);
    free(s);
    free(a);
    return unused;
}

static int begin(struct server *s, struct request *r, int first, unsigned threads, unsigned count,
                 unsigned pause_ms, struct reply *reply) {
    if (loop.running || !s->plugin.iface || !threads || threads > MAX_THREADS || r->count - first < 1 ||
        r->count - first > MAX_FILES) {
        reply_error(reply, "a loop runs already, or no plugin, threads or files");
        return -1;
    }
    memset(&loop, 0, sizeof loop);
    loop.plugin = &s->plugin;
    loop.count = count;
    loop.pause_ms = pause_ms;
    loop.timed = calloc(MAX_TIMED, sizeof *loop.timed);
    for (int i = first; i < r->count; i++)
        loop.file[loop.files++] = strdup(r->word[i]);
    loop.running = loop.timed != NULL;
    loop.start = now_ns();
    loop.start_cpu = cpu_ns();
    for (; loop.running && loop.threads < threads; loop.threads++)
        if (spawn(&loop.thread[loop.threads], WORKER_STACK, scan_again, NULL))
            break;
    return 0;
}

static int by_size(const void *a, const void *b) {
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return x < y ? -1 : x > y;
}

/* end joins the threads and answers with what they did. */
static void end(struct reply *reply) {
    for (unsigned i = 0; i < loop.threads; i++)
        pthread_join(loop.thread[i], NULL);
    unsigned long long ns = now_ns() - loop.start, cpu = cpu_ns() - loop.start_cpu;
    unsigned timed = loop.timed_count < MAX_TIMED ? loop.timed_count : MAX_TIMED, scans = 0;
    for (unsigned f = 0; f < loop.files; f++) {
        for (int v = 0; v < 8; v++) {
            char key[32];
            snprintf(key, sizeof key, "file.%u.%d", f, v);
            if (loop.verdicts[f][v])
                reply_number(reply, key, loop.verdicts[f][v]);
            scans += loop.verdicts[f][v];
        }
        free(loop.file[f]);
    }
    qsort(loop.timed, timed, sizeof *loop.timed, by_size);
    reply_number(reply, "scans", scans);
    reply_number(reply, "threads", loop.threads);
    reply_number(reply, "no-context", loop.no_context);
    reply_number(reply, "ns", (long long)ns);
    reply_number(reply, "cpu-ns", (long long)cpu);
    if (timed) {
        reply_number(reply, "p50-ns", loop.timed[timed / 2]);
        reply_number(reply, "p99-ns", loop.timed[(unsigned long long)timed * 99 / 100]);
        reply_number(reply, "max-ns", loop.timed[timed - 1]);
    }
    free(loop.timed);
    free(stacks);
    stacks = NULL;
    loop.running = 0;
    loop.threads = 0;
    reply_ok(reply);
}

void do_loop(struct server *s, struct request *r, struct reply *reply) {
    unsigned threads, count;
    if (number_at(r, 2, &threads, reply) || number_at(r, 3, &count, reply))
        return;
    if (!begin(s, r, 4, threads, count, 0, reply))
        end(reply);
}

void do_pace(struct server *s, struct request *r, struct reply *reply) {
    unsigned threads, count, pause_ms;
    if (number_at(r, 2, &threads, reply) || number_at(r, 3, &count, reply) ||
        number_at(r, 4, &pause_ms, reply))
        return;
    if (!begin(s, r, 5, threads, count, pause_ms, reply))
        end(reply);
}

void do_stacks(struct server *s, struct request *r, struct reply *reply) {
    (void)s;
    if (loop.running || !altstack_known(word(r, 2))) {
        reply_error(reply, "a loop runs, or unknown kind '%s'", word(r, 2));
        return;
    }
    free(stacks);
    stacks = strdup(word(r, 2));
    reply_ok(reply);
}

void do_busy(struct server *s, struct request *r, struct reply *reply) {
    unsigned threads;
    if (number_at(r, 2, &threads, reply) || begin(s, r, 3, threads, 0, 0, reply))
        return;
    reply_ok(reply);
}

void do_calm(struct server *s, struct request *r, struct reply *reply) {
    (void)s, (void)r;
    if (!loop.running) {
        reply_error(reply, "no loop runs");
        return;
    }
    loop.stop = 1;
    end(reply);
}

void do_scanned(struct server *s, struct request *r, struct reply *reply) {
    unsigned count;
    (void)s;
    if (number_at(r, 2, &count, reply))
        return;
    unsigned before = __sync_fetch_and_add(&loop.ended, 0);
    unsigned long long start = now_ns();
    while (loop.running && loop.threads > loop.no_context &&
           __sync_fetch_and_add(&loop.ended, 0) - before < count)
        sleep_ms(1);
    reply_number(reply, "ns", (long long)(now_ns() - start));
    reply_ok(reply);
}
