/* The name of the library without its extension, and what the administrator reads in the console. */
#ifndef AVSAMPLE_H
#define AVSAMPLE_H

#ifndef AVPLUGIN_VERSION /* "mage build" takes it from the file VERSION */
#define AVPLUGIN_VERSION "unknown"
#endif

#define AVPLUGIN_SHORTCUT "avir_csample"
#define AVPLUGIN_DESCRIPTION "Sample plugin in C without an antivirus, version " AVPLUGIN_VERSION

#endif
