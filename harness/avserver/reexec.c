#include "reexec.h"

#include <stdio.h>
#include <unistd.h>

void reexecute(int argc, char **argv) {
    int kept = 0;
    for (int i = 0; i < argc; i++)
        if (argv[i])
            argv[kept++] = argv[i];
    argv[kept] = NULL;
    execv("/proc/self/exe", argv);
    perror("avserver: execute /proc/self/exe again");
}
