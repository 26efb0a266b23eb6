/*
 * A plugin on the simple API, without an antivirus: it answers the harness's
 * samples by their file names, and says of every other file that it can't be
 * checked. Put an engine behind these functions. avPlugin.h in avirkit's api/c
 * says what each gets and returns. No C++ exception may leave them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "avSample.h"
#include "avPlugin.h"

/* Mandatory: the options that the administrator sees, with their defaults. The last entry ends the list. */
avir_plugin_config plugin_config[] = {{"Option 1", "0"}, {"Option 2", "a string"}, {"", ""}};
const int CONFIG_SIZE = sizeof plugin_config / sizeof *plugin_config;

/* Mandatory: loads the engine. Many administrators read errorMessage, so name the thing and the remedy. */
int pluginInit(void) {
    avir_plugin_config *options = getPluginConfig();

    if (options == NULL) {
        snprintf(errorMessage, sizeof errorMessage, "no memory for the options");
        return 0;
    }
    logDebug("avir_csample starts, %s = %s", options[0].name, options[0].value);
    freePluginConfig(options);
    return 1;
}

/* Mandatory: frees what pluginInit made. pluginInit may follow in the same process. */
int pluginClose(void) {
    return 1;
}

/* What one thread keeps between its scans: an engine's handle, a buffer. */
struct thread {
    unsigned long scans;
};

/* Mandatory: makes the state of one scanning thread; an engine without one leaves *context as it is. */
int threadInit(void **context) {
    *context = calloc(1, sizeof(struct thread));
    return *context != NULL;
}

/* Mandatory: frees that state. */
int threadClose(void **context) {
    free(*context);
    return 1;
}

static const struct {
    const char *name;
    int verdict;
    const char *text;
} answers[] = {
    {"clean.exe", AVCHK_OK, ""},
    {"empty.file", AVCHK_OK, ""},
    {"huge.file", AVCHK_OK, ""},
    {"eicar.com", AVCHK_VIRUS_FOUND, "Eicar-Test-Signature"},
    {"eicar.zip", AVCHK_VIRUS_FOUND, "Eicar-Test-Signature"},
    {"eicarpwd.zip", AVCHK_IMPOSSIBLE, "encrypted archive"},
};

/*
 * Mandatory: scans one file. An engine would open filename, which is a path of
 * bytes to take as it is; avCommon.c has made sure that it is a regular file
 * that can be opened. Answer AVCHK_OK only for what was scanned to the end.
 */
int testFile(void *context, const char *filename, const char *realname, char *reserved,
             unsigned int reserved_size, char *vir_info, unsigned int vi_size) {
    const char *slash = strrchr(filename, '/');
    const char *name = slash == NULL ? filename : slash + 1;
    size_t i;

    (void)realname;
    (void)reserved;
    (void)reserved_size;
    ((struct thread *)context)->scans++;
    for (i = 0; i < sizeof answers / sizeof *answers; i++)
        if (strcmp(name, answers[i].name) == 0) {
            snprintf(vir_info, vi_size, "%s", answers[i].text);
            return answers[i].verdict;
        }
    snprintf(vir_info, vi_size, "only the harness's samples are known");
    return AVCHK_IMPOSSIBLE;
}
