/* The host's worker threads: made on demand up to a limit, each with a context
 * of its own that it uses again, closed when they have been idle. */
#ifndef WORKERS_H
#define WORKERS_H

#include <pthread.h>
#include <stddef.h>

#include "scan.h"

/* The real host's stack for a worker. */
#define WORKER_STACK (10u << 20)

struct job {
    struct scan scan;
    void (*done)(struct job *job); /* called on the worker thread */
    struct job *next;
};

struct workers {
    const struct plugin *plugin;
    unsigned limit;   /* most threads at once */
    unsigned idle_ms; /* a thread without work for this long ends */

    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct job *first, *last; /* waiting */
    unsigned idle;
    unsigned made; /* threads made since workers_start */
    int stopping;
    struct worker *living, *ended;
    unsigned count; /* length of living */
};

void workers_start(struct workers *w, const struct plugin *p, unsigned limit, unsigned idle_ms);

/* workers_submit queues a job; job->done gets it back. Returns 0, or -1 when
 * no thread could be made for it and none exists. */
int workers_submit(struct workers *w, struct job *job);

/* workers_stop lets the threads finish what is queued, close their contexts
 * and end, and waits for it. */
void workers_stop(struct workers *w);

/* spawn starts a thread with a stack of the given size; run_on_worker also
 * waits for its end. They return 0 or an errno. */
int spawn(pthread_t *thread, size_t stack, void *(*run)(void *), void *argument);
int run_on_worker(void *(*run)(void *), void *argument);

#endif
