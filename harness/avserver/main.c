/* avserver: a host for antivirus plugins that behaves as the product's own. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "reexec.h"
#include "batch.h"
#include "floor.h"
#include "limits.h"
#include "options.h"
#include "requests.h"

static void must(const char *option, const char *value, const char *wrong) {
    if (wrong) {
        fprintf(stderr, "avserver: %s %s: %s\n", option, value, wrong);
        exit(2);
    }
}

/* confine applies what the process must have from its first instruction: the C
 * library reads the stack limit at its start, and aborts when rseq worked for
 * the first thread and not for the next. It returns whether there was any. */
static int confine(const struct options *o) {
    for (const char *const *limit = o->limits; *limit; limit++)
        must("--limit", *limit, set_limit(*limit));
    if (o->kernel_floor)
        must("--kernel-floor", o->kernel_floor, kernel_floor(o->kernel_floor));
    return o->limits[0] || o->kernel_floor;
}

int main(int argc, char **argv) {
    struct options o;
    int status = parse_options(&o, argc, argv);
    if (status)
        return status < 0 ? 0 : status;
    if (o.serve)
        no_core(); /* the harness crashes its hosts on purpose */
    if (confine(&o)) {
        reexecute(argc, argv);
        return 2;
    }
    /* Not earlier: under another real user the loader ignores LD_LIBRARY_PATH,
     * by which a plugin may find its libraries. */
    if (o.real_user)
        must("--real-user", "", lose_privilege(o.real_user));
    signal(SIGPIPE, SIG_IGN); /* the only signal that the real host changes */
    if (!o.serve)
        return run_batch(&o);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* a killed harness leaves no server */
    if (wire_open(3, 4)) {
        fprintf(stderr, "avserver: --serve: descriptors 3 and 4 are not open; the harness opens them\n");
        return 2;
    }
    serve();
    return 0;
}
