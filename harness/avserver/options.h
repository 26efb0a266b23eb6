/* avserver's command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "../../api/abi/avApi.h"

#define MAX_SETTINGS 64

struct options {
    const char *plugin;
    const char *kernel_floor; /* NULL: none */
    const char *limits[8];    /* NAME=N, ends with NULL */
    unsigned real_user;       /* 0: stay who we are */
    int serve;
    unsigned threads;
    int info_only;
    avir_plugin_config settings[MAX_SETTINGS + 1]; /* ends with an empty name */
    char **files;
    int file_count;
};

/* add_setting appends one option to a list that ends with an empty name.
 * Returns NULL or what is wrong. */
const char *add_setting(avir_plugin_config *settings, const char *name, const char *value);

/* parse_options returns 0; on a mistake it prints one line and returns 2; it
 * returns -1 when --help was printed and nothing is left to do. */
int parse_options(struct options *o, int argc, char **argv);

#endif
