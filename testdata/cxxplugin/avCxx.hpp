#pragma once
#define AVPLUGIN_SHORTCUT "avir_cxx"
#define AVPLUGIN_DESCRIPTION "Plugin in C++ without an antivirus, version 1.0"
