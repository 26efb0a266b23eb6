/* churn COUNT AT_ONCE STACK FILE: threads that come, scan once and go. Of those
 * that are there at once, none scans before all of them have a context.
 * cancel COUNT FILE: threads that are cancelled while they scan. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "requests.h"

#define MAX_AT_ONCE 512
#define SMALLEST_STACK 16384 /* PTHREAD_STACK_MIN, which is no constant since glibc 2.34 */

/* A gate keeps what came first until all are there. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t change;
    unsigned waiting;
    int open;
} gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};

static void wait_at_gate(void) {
    pthread_mutex_lock(&gate.lock);
    gate.waiting++;
    pthread_cond_broadcast(&gate.change);
    while (!gate.open)
        pthread_cond_wait(&gate.change, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
}

/* open_gate lets count threads pass as soon as all of them wait. */
static void open_gate(unsigned count) {
    pthread_mutex_lock(&gate.lock);
    while (gate.waiting < count)
        pthread_cond_wait(&gate.change, &gate.lock);
    gate.open = 1;
    pthread_cond_broadcast(&gate.change);
    pthread_mutex_unlock(&gate.lock);
}

static void close_gate(void) {
    gate.waiting = 0;
    gate.open = 0;
}

struct visit {
    const struct plugin *plugin;
    const char *path;
    void *context;
    struct scan *scan;
    struct answer *answer;
    volatile int forever;
    int gated;
    int verdict;
};

static void leave(void *argument) {
    struct visit *v = argument;
    v->plugin->iface->plugin_thread_close(&v->context);
}

static void *visit(void *argument) {
    struct visit *v = argument;
    v->verdict = SCAN_NO_CONTEXT;
    v->context = NULL;
    int ready = v->plugin->iface->plugin_thread_init(&v->context) == 1;
    if (v->gated)
        wait_at_gate();
    if (!ready)
        return NULL;
    pthread_cleanup_push(leave, v);
    do {
        v->scan->path = v->path;
        v->scan->realname = v->path;
        v->scan->vi_size = VI_SIZE;
        scan_file(v->plugin, v->context, v->scan, v->answer);
        v->verdict = v->scan->verdict;
        pthread_testcancel();
    } while (v->forever);
    pthread_testcancel(); /* do_cancel ends the loop after its cancellation */
    pthread_cleanup_pop(1);
    return NULL;
}

static struct visit *visits(struct server *s, const char *path, unsigned n) {
    struct visit *v = calloc(n, sizeof *v);
    for (unsigned i = 0; v && i < n; i++) {
        v[i].plugin = &s->plugin;
        v[i].path = path;
        v[i].scan = calloc(1, sizeof *v->scan);
        v[i].answer = calloc(1, sizeof *v->answer);
    }
    return v;
}

static void free_visits(struct visit *v, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        free(v[i].scan);
        free(v[i].answer);
    }
    free(v);
}

void do_churn(struct server *s, struct request *r, struct reply *reply) {
    unsigned count, at_once, stack, made = 0, verdicts[8] = {0}, refused = 0;
    static pthread_t thread[MAX_AT_ONCE];
    if (number_at(r, 2, &count, reply) || number_at(r, 3, &at_once, reply) || number_at(r, 4, &stack, reply))
        return;
    if (!s->plugin.iface || !at_once || at_once > MAX_AT_ONCE || stack < SMALLEST_STACK) {
        reply_error(reply, "no plugin, too many threads or too small a stack");
        return;
    }
    struct visit *v = visits(s, word(r, 5), at_once);
    while (v && made < count && !refused) {
        unsigned n = 0;
        close_gate();
        for (; n < at_once && made + n < count; n++) {
            v[n].gated = at_once > 1;
            if (spawn(&thread[n], stack, visit, &v[n])) {
                refused = 1;
                break;
            }
        }
        if (at_once > 1)
            open_gate(n);
        for (unsigned i = 0; i < n; i++) {
            pthread_join(thread[i], NULL);
            int verdict = v[i].verdict;
            verdicts[verdict >= 0 && verdict <= 5 ? verdict : verdict < 0 ? 7 : 6]++;
        }
        made += n;
    }
    if (v)
        free_visits(v, at_once);
    reply_number(reply, "made", made);
    reply_number(reply, "refused", refused);
    for (int i = 0; i < 8; i++) {
        char key[] = "verdict.0";
        key[8] = (char)('0' + i);
        if (verdicts[i])
            reply_number(reply, key, verdicts[i]);
    }
    reply_ok(reply);
}

void do_cancel(struct server *s, struct request *r, struct reply *reply) {
    unsigned count, cancelled = 0;
    if (number_at(r, 2, &count, reply))
        return;
    struct visit *v = visits(s, word(r, 3), 1);
    for (unsigned i = 0; v && s->plugin.iface && i < count; i++) {
        pthread_t thread;
        void *result = NULL;
        v->forever = 1;
        if (spawn(&thread, WORKER_STACK, visit, v))
            break;
        sleep_ms(i % 4); /* at another point of the scan each time */
        pthread_cancel(thread);
        v->forever = 0; /* a thread that can't be cancelled ends, too */
        pthread_join(thread, &result);
        cancelled += result == PTHREAD_CANCELED;
    }
    if (v)
        free_visits(v, 1);
    reply_number(reply, "cancelled", cancelled);
    reply_ok(reply);
}
