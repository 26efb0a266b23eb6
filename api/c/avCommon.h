/*
 * avCommon.h - what avCommon.c offers to the author of a plugin
 *
 * All of it may be called from any thread, at any time after pluginInit began.
 */
#ifndef AVCOMMON_H
#define AVCOMMON_H

#include "avApi.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Why the last call failed, for the administrator. The author writes it; it is
 * emptied before pluginInit. The host gets it bounded, terminated and in ASCII,
 * whatever was written.
 */
extern char errorMessage[MAX_STRING];

/*
 * Write one line to the host's log. They work like printf. The line has at
 * most MAX_STRING - 1 bytes with its prefix, and only printable ASCII: other
 * characters become '?', line breaks become spaces, and a line that is cut ends
 * in "...". Lines before plugin_init and after plugin_close are dropped.
 */
void logDebug(const char *format, ...) AVIR_PRINTF(1, 2);
void logWarning(const char *format, ...) AVIR_PRINTF(1, 2);
void logError(const char *format, ...) AVIR_PRINTF(1, 2);
void logSecurity(const char *format, ...) AVIR_PRINTF(1, 2);

/*
 * Returns a copy of the options with their present values, ended by an entry
 * with an empty name, or NULL without memory. The caller frees it with
 * freePluginConfig.
 */
avir_plugin_config *getPluginConfig(void);

/* Frees a copy from getPluginConfig. NULL is allowed. */
void freePluginConfig(avir_plugin_config *config);

#ifdef __cplusplus
}
#endif

#endif /* AVCOMMON_H */
