/* end exit|crash|vanish: how a process ends that has a plugin in it. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "requests.h"

static void *crash(void *unused) {
    *(volatile int *)unused = 1;
    return unused;
}

void do_end(struct server *s, struct request *r, struct reply *reply) {
    (void)s;
    const char *how = word(r, 2);
    reply_ok(reply); /* there is no later */
    if (!strcmp(how, "exit"))
        exit(0);
    if (!strcmp(how, "vanish"))
        kill(getpid(), SIGKILL);
    run_on_worker(crash, NULL);
}
