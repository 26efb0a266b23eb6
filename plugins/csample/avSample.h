/* The name of the library without its extension, and what the administrator reads in the console. */
#ifndef AVSAMPLE_H
#define AVSAMPLE_H

#define AVPLUGIN_SHORTCUT "avir_csample"
#define AVPLUGIN_DESCRIPTION "Sample plugin in C without an antivirus, version 1.0.0"

#endif
