/*
 * A plugin as authors write it who rely on the simple API for all that the
 * host demands: texts without an end and outside of ASCII, options read by
 * every scan, contexts left untouched, lines longer than the host's. Its own
 * verdicts are right, so the harness must find nothing wrong with it.
 */
#include "avSloppy.h"
#include "avPlugin.h"

#include <stdio.h>
#include <string.h>

avir_plugin_config plugin_config[] = {{"Path", "/nowhere"}, {"Fail", "no"}, {"", ""}};
const int CONFIG_SIZE = sizeof(plugin_config) / sizeof(plugin_config[0]);

/* "für " with a further character cut in two at the end. */
static const char umlauts[] = "f\xc3\xbcr jeden \xe2\x82";

int pluginInit(void) {
    int i;

    for (i = 0; i < MAX_STRING; i++) /* no NUL, and not ASCII */
        errorMessage[i] = umlauts[i % (int)(sizeof umlauts - 1)];
    return stricmp(plugin_config[1].value, "yes") != 0;
}

int pluginClose(void) {
    logDebug("%s", umlauts);
    return 1;
}

int threadInit(void **context) {
    (void)context;
    return 1;
}

int threadClose(void **context) {
    (void)context;
    return 1;
}

int testFile(void *context, const char *filename, const char *realname, char *reserved,
             unsigned int reserved_size, char *vir_info, unsigned int vi_size) {
    avir_plugin_config *options = getPluginConfig();
    const char *name = strrchr(filename, '/');
    char line[4 * MAX_STRING];
    FILE *file;
    int byte;
    unsigned int i;

    (void)context;
    (void)reserved;
    (void)reserved_size;
    for (i = 0; i < sizeof line - 1; i++)
        line[i] = umlauts[i % (sizeof umlauts - 1)];
    line[i] = 0;
    if (options != NULL && strcmp(options[0].value, "crash") == 0)
        *(volatile char *)NULL = 0;
    logWarning("%s %s %s", options == NULL ? "" : options[0].value, realname, line);
    freePluginConfig(options);
    name = name == NULL ? filename : name + 1;
    if (strcmp(name, "eicar.com") == 0 || strcmp(name, "eicar.zip") == 0) {
        strncpy(vir_info, "Eicar-Test-Signature", vi_size);
        return AVCHK_VIRUS_FOUND;
    }
    if (strcmp(name, "eicarpwd.zip") == 0) {
        strncpy(vir_info, line, vi_size); /* fills it: no NUL */
        return AVCHK_IMPOSSIBLE;
    }
    if (strcmp(name, "clean.exe") != 0 && strcmp(name, "empty.file") != 0 && strcmp(name, "huge.file") != 0)
        return AVCHK_FAILED; /* vir_info untouched */
    file = fopen(filename, "rbe");
    if (file == NULL)
        return AVCHK_FAILED;
    byte = fgetc(file);
    if (byte == EOF && ferror(file)) {
        fclose(file);
        return AVCHK_FAILED;
    }
    fclose(file);
    return AVCHK_OK;
}
