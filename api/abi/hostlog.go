package abi

// #include "host.h"
import "C"

import (
	"unsafe"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/api/internal/text"
)

// hostLog writes to the callback of one plugin_init, through the gate.
type hostLog struct{ callback C.AV_LOG_CALLBACK_NEW }

func (l hostLog) Open() { C.avir_log_open(l.callback) }

func (l hostLog) Write(line string) {
	buffer := make([]byte, min(len(line), api.MaxLogLine)+1)
	text.Copy(buffer, line)
	C.avir_log_write(l.callback, (*C.char)(unsafe.Pointer(&buffer[0])))
}

func (l hostLog) Close() { C.avir_log_close() }
