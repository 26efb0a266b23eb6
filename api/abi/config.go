package abi

// #include <stdlib.h>
// #include "host.h"
import "C"

import (
	"unsafe"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/api/internal/lifecycle"
	"github.com/avirkit/avirkit/api/internal/text"
)

// maxEntries ends a list whose last entry was forgotten.
const maxEntries = 1024

// setConfig takes the host's options and returns how many were known.
func setConfig(library *lifecycle.Library, list *C.avir_plugin_config) (known int) {
	// No slice of maxEntries: it would reach beyond the address space when the
	// list lies on a 32-bit main thread's stack.
	for i := range maxEntries {
		entry := (*C.avir_plugin_config)(unsafe.Add(unsafe.Pointer(list), i*C.sizeof_avir_plugin_config))
		name := text.Field(bytesOf(&entry.name[0], len(entry.name)))
		if name == "" {
			break
		}
		if library.Set(name, text.Field(bytesOf(&entry.value[0], len(entry.value)))) {
			known++
		}
	}
	return known
}

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
