#define AVPLUGIN_SHORTCUT "avir_sloppy"
#define AVPLUGIN_DESCRIPTION "Plugin whose author relies on the simple API, version 1.0"
