/* close-standard, check-standard: descriptors 0 to 2 closed before the load, and
 * taken by files of the host after it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "requests.h"

void do_close_standard(struct server *s, struct request *r, struct reply *reply) {
    (void)s, (void)r;
    for (int fd = 0; fd < 3; fd++)
        close(fd);
    reply_ok(reply);
}

/* The files that took 0 to 2; -1 where something else has the descriptor. */
static int mine[3] = {-1, -1, -1};

/* check-standard open DIRECTORY, then check-standard size: bytes that somebody
 * wrote into the files which the host has at descriptors 0 to 2. */
void do_check_standard(struct server *s, struct request *r, struct reply *reply) {
    (void)s;
    long long taken = 0, bytes = 0;
    if (!strcmp(word(r, 2), "open")) {
        for (int i = 0; i < 3; i++) {
            char path[4096];
            snprintf(path, sizeof path, "%s/standard-%d", word(r, 3), i);
            int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
            if (fd >= 0 && fd < 3)
                mine[fd] = fd;
            else if (fd >= 0)
                close(fd);
        }
    }
    for (int i = 0; i < 3; i++)
        if (mine[i] >= 0) {
            taken++;
            bytes += lseek(mine[i], 0, SEEK_END);
        }
    reply_number(reply, "taken", taken);
    reply_number(reply, "bytes", bytes);
    reply_ok(reply);
}
