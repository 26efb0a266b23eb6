/* avserver: a host for antivirus plugins that behaves as the product's own. */
#include <signal.h>
#include <stdio.h>

#include "again.h"
#include "batch.h"
#include "floor.h"
#include "options.h"

int main(int argc, char **argv) {
    struct options o;
    int status = parse_options(&o, argc, argv);
    if (status)
        return status < 0 ? 0 : status;
    signal(SIGPIPE, SIG_IGN); /* the only signal that the real host changes */
    if (o.kernel_floor) {
        const char *wrong = kernel_floor(o.kernel_floor);
        if (wrong) {
            fprintf(stderr, "avserver: --kernel-floor %s: %s\n", o.kernel_floor, wrong);
            return 2;
        }
        /* glibc aborts when rseq worked for the first thread and not for the
         * next, so it must meet the old kernel from the start. */
        run_again(argc, argv);
        return 2;
    }
    return run_batch(&o);
}
