/* What the plugin is called. The folder's name gives the library's: plugins/csample makes avir_csample.so. */
#ifndef AVSAMPLE_H
#define AVSAMPLE_H

#define AVPLUGIN_SHORTCUT "avir_csample"
#define AVPLUGIN_DESCRIPTION "Sample plugin in C without an antivirus, version 1.0.0"

#endif
