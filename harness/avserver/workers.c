#include "workers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"

struct worker {
    pthread_t thread;
    struct workers *pool;
    struct worker *next;
    struct answer answer;
};

int spawn(pthread_t *thread, size_t stack, void *(*run)(void *), void *argument) {
    pthread_attr_t attr;
    int err = pthread_attr_init(&attr);
    if (err)
        return err;
    err = pthread_attr_setstacksize(&attr, stack);
    if (!err)
        err = pthread_create(thread, &attr, run, argument);
    pthread_attr_destroy(&attr);
    return err;
}

int run_on_worker(void *(*run)(void *), void *argument) {
    pthread_t thread;
    int err = spawn(&thread, WORKER_STACK, run, argument);
    return err ? err : pthread_join(thread, NULL);
}

/* next_job waits for work; NULL says that the thread shall end. Called with
 * the lock held. */
static struct job *next_job(struct workers *w) {
    struct timespec until;
    deadline_ms(&until, w->idle_ms);
    while (!w->first && !w->stopping) {
        w->idle++;
        int err = pthread_cond_timedwait(&w->wake, &w->lock, &until);
        w->idle--;
        if (err == ETIMEDOUT)
            break;
    }
    struct job *job = w->first;
    if (job) {
        w->first = job->next;
        if (!w->first)
            w->last = NULL;
    }
    return job;
}

/* retire moves the thread from living to ended, where it waits to be joined. */
static void retire(struct worker *me) {
    struct workers *w = me->pool;
    struct worker **at = &w->living;
    while (*at != me)
        at = &(*at)->next;
    *at = me->next;
    me->next = w->ended;
    w->ended = me;
    w->count--;
}

static void *work(void *argument) {
    struct worker *me = argument;
    struct workers *w = me->pool;
    const avir_plugin_extended_thread_iface *t = w->plugin->iface;
    void *context = NULL;
    int ready = t->plugin_thread_init(&context) == 1;
    pthread_mutex_lock(&w->lock);
    for (struct job *job; (job = next_job(w));) {
        pthread_mutex_unlock(&w->lock);
        if (ready)
            scan_file(w->plugin, context, &job->scan, &me->answer);
        else
            job->scan.verdict = SCAN_NO_CONTEXT;
        job->done(job);
        pthread_mutex_lock(&w->lock);
    }
    retire(me);
    pthread_mutex_unlock(&w->lock);
    if (ready)
        t->plugin_thread_close(&context);
    return NULL;
}

/* join_all joins a list of threads and frees it. */
static void join_all(struct worker *list) {
    while (list) {
        struct worker *next = list->next;
        pthread_join(list->thread, NULL);
        free(list);
        list = next;
    }
}

void workers_start(struct workers *w, const struct plugin *p, unsigned limit, unsigned idle_ms) {
    memset(w, 0, sizeof *w);
    w->plugin = p;
    w->limit = limit;
    w->idle_ms = idle_ms;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
}

/* add makes one more thread. Called with the lock held, which also keeps the
 * thread from its list entry until that is complete. */
static int add(struct workers *w) {
    struct worker *me = calloc(1, sizeof *me);
    if (!me)
        return ENOMEM;
    me->pool = w;
    int err = spawn(&me->thread, WORKER_STACK, work, me);
    if (err) {
        free(me);
        return err;
    }
    me->next = w->living;
    w->living = me;
    w->count++;
    w->made++;
    return 0;
}

int workers_submit(struct workers *w, struct job *job) {
    pthread_mutex_lock(&w->lock);
    struct worker *ended = w->ended;
    w->ended = NULL;
    unsigned waiting = 1;
    for (struct job *j = w->first; j; j = j->next)
        waiting++;
    int err = 0;
    if (waiting > w->idle && w->count < w->limit)
        err = add(w);
    if (err && w->count > 0)
        err = 0; /* the others will do it */
    if (!err) {
        job->next = NULL;
        if (w->last)
            w->last->next = job;
        else
            w->first = job;
        w->last = job;
        pthread_cond_signal(&w->wake);
    }
    pthread_mutex_unlock(&w->lock);
    join_all(ended);
    return err ? -1 : 0;
}

void workers_stop(struct workers *w) {
    pthread_mutex_lock(&w->lock);
    w->stopping = 1;
    pthread_cond_broadcast(&w->wake);
    while (w->living) {
        pthread_t thread = w->living->thread;
        pthread_mutex_unlock(&w->lock);
        pthread_join(thread, NULL);
        pthread_mutex_lock(&w->lock);
        for (struct worker **at = &w->ended; *at; at = &(*at)->next)
            if (pthread_equal((*at)->thread, thread)) {
                struct worker *gone = *at;
                *at = gone->next;
                free(gone);
                break;
            }
    }
    struct worker *ended = w->ended;
    w->ended = NULL;
    pthread_mutex_unlock(&w->lock);
    join_all(ended);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
}
