package abi

// #include <stdlib.h>
// #include "host.h"
import "C"

import (
	"unsafe"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/api/internal/text"
)

// newConfig makes the list that the host gives back to free_plugin_config, or
// nil without memory. C.malloc would end the process then; calloc does not.
func newConfig(config api.Config) *C.avir_plugin_config {
	settings := config.Settings()
	memory := (*C.avir_plugin_config)(C.calloc(C.size_t(len(settings)+1), C.sizeof_avir_plugin_config))
	if memory == nil {
		return nil
	}
	list := unsafe.Slice(memory, len(settings))
	for i, setting := range settings {
		text.Copy(bytesOf(&list[i].name[0], len(list[i].name)), setting.Name)
		text.Copy(bytesOf(&list[i].value[0], len(list[i].value)), setting.Value)
	}
	return memory
}
