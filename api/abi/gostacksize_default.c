#include "host.h"

/*
 * Ample for the host's log callback, which runs on Go's threads as all C code
 * does that a goroutine calls. A plugin whose engine needs more defines the
 * same constant, which then replaces this one. It has a file to itself because
 * a compiler that sees the value uses it in place of the plugin's.
 */
__attribute__((weak)) const size_t avir_go_stack_size = 512 * 1024;
