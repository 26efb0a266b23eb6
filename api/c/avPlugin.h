/*
 * avPlugin.h - what the author of a plugin on the simple API writes
 *
 * The author defines the options and five functions; avCommon.c does all that
 * the host's interface (avApi.h) asks for besides. A header of the plugin's
 * own names it:
 *
 *     #define AVPLUGIN_SHORTCUT "avir_mine"
 *     #define AVPLUGIN_DESCRIPTION "My antivirus, plugin 1.0"
 *
 * Include that header before this one, or compile avCommon.c with it
 * (-include avMine.h, as "mage build" does). AVPLUGIN_SHORTCUT is the file
 * name of the library without its extension.
 */
#ifndef AVPLUGIN_H
#define AVPLUGIN_H

#include "avApi.h"
#include "avCommon.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The options with their defaults, in the order in which the administrator
 * sees them. The last entry is {"", ""}; CONFIG_SIZE counts it. avCommon.c
 * writes the administrator's values into this array: read them with
 * getPluginConfig, which gives a copy that does not change.
 */
extern avir_plugin_config plugin_config[];
extern const int CONFIG_SIZE;

/*
 * Makes the plugin ready to scan, with the options as they are now. Returns 1,
 * or 0 after writing the reason into errorMessage.
 */
int pluginInit(void);

/*
 * Ends what pluginInit began. No thread is in testFile then, and each
 * context has been through threadClose. Returns 1, or 0 on an error.
 */
int pluginClose(void);

/*
 * Makes the state of one scanning thread. *context is NULL on entry and may
 * stay so. Returns 1, or 0 when there can be no such thread.
 */
int threadInit(void **context);

/*
 * Frees what threadInit made. It is called once for each context, perhaps on
 * another thread than threadInit was. Returns 1, or 0 on an error.
 */
int threadClose(void **context);

/*
 * Scans one file and returns an AVCHK_ value. Several threads are in here at
 * once, each with a context of its own.
 *
 *   filename       a regular file that can be opened; never NULL
 *   realname       the name that the user gave it; never NULL
 *   reserved       NULL, and its size 0
 *   vir_info       vi_size bytes, all zero on entry; takes the virus name or
 *                  the reason. It may be left as it is, and need not end in
 *                  a NUL: the host gets a bounded, terminated ASCII text.
 *
 * It has to return within the time that a mail may wait, some minutes at most:
 * C has no way to end it from outside.
 */
int testFile(void *context, const char *filename, const char *realname, char *reserved,
             unsigned int reserved_size, char *vir_info, unsigned int vi_size);

/*
 * The plugin's name for avCommon.c, out of whichever source sees the macros.
 * Weak, because several may: the linker takes one of them.
 */
#define AVIR_ONE_OF_MANY __attribute__((weak, visibility("hidden")))
AVIR_ONE_OF_MANY extern const char avir_shortcut[];
AVIR_ONE_OF_MANY extern const char avir_description[];
#if defined(AVPLUGIN_SHORTCUT) && defined(AVPLUGIN_DESCRIPTION)
const char avir_shortcut[] = AVPLUGIN_SHORTCUT;
const char avir_description[] = AVPLUGIN_DESCRIPTION;
#endif

#ifdef __cplusplus
}
#endif

#endif /* AVPLUGIN_H */
