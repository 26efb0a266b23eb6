package program

// #cgo CFLAGS: -std=gnu99 -O2 -fvisibility=hidden
// #include "spawn.h"
import "C"

import (
	"errors"
	"io"
	"os"
	"syscall"
	"unsafe"
)

// running is a program between its start and its end.
type running struct {
	waiter   C.int
	memory   unsafe.Pointer
	status   *os.File // from the waiter
	lifeline *os.File // closed to have the program killed
	captures [2]*capture
}

// outcome is spawn.h's struct avir_outcome.
type outcome struct {
	failure syscall.Errno
	status  syscall.WaitStatus
}

// pipes are opened for one start. Those of the program and its waiter are
// closed in this process as soon as they have them.
type pipes struct {
	ours, theirs []*os.File
	err          error
}

func (p *pipes) open() (reader, writer *os.File) {
	if p.err != nil {
		return nil, nil
	}
	reader, writer, p.err = os.Pipe()
	return reader, writer
}

func closeAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}

func (c Command) start() (*running, error) {
	var p pipes
	stdin := c.Stdin
	if stdin == nil {
		stdin, p.err = os.Open(os.DevNull)
		p.theirs = append(p.theirs, stdin)
	}
	outReader, outWriter := p.open()
	errReader, errWriter := p.open()
	statusReader, statusWriter := p.open()
	lifelineReader, lifelineWriter := p.open()
	p.theirs = append(p.theirs, outWriter, errWriter, statusWriter, lifelineReader)
	p.ours = append(p.ours, outReader, errReader, statusReader, lifelineWriter)
	defer func() { closeAll(p.theirs) }()
	if p.err != nil {
		closeAll(p.ours)
		return nil, p.err
	}
	r := &running{status: statusReader, lifeline: lifelineWriter}
	// Fd makes a descriptor blocking, which the program's own code expects.
	if err := r.spawn(c, C.struct_avir_descriptors{
		in: C.int(stdin.Fd()), out: C.int(outWriter.Fd()), err: C.int(errWriter.Fd()),
		status: C.int(statusWriter.Fd()), lifeline: C.int(lifelineReader.Fd()),
	}); err != nil {
		closeAll(p.ours)
		return nil, err
	}
	limit := c.MaxOutput
	if limit <= 0 {
		limit = DefaultMaxOutput
	}
	r.captures = [2]*capture{newCapture(outReader, limit), newCapture(errReader, limit)}
	return r, nil
}

func (r *running) spawn(c Command, descriptors C.struct_avir_descriptors) error {
	texts, args, envs := c.texts()
	r.waiter = C.avir_start((*C.char)(unsafe.Pointer(&texts[0])), C.size_t(len(texts)), C.int(args), C.int(envs), &descriptors, &r.memory)
	if r.waiter < 0 {
		return syscall.Errno(-r.waiter)
	}
	return nil
}

// readOutcome waits until the waiter has written how the program ended.
func (r *running) readOutcome() (outcome, error) {
	var got C.struct_avir_outcome
	_, err := io.ReadFull(r.status, unsafe.Slice((*byte)(unsafe.Pointer(&got)), unsafe.Sizeof(got)))
	if err != nil {
		return outcome{}, errors.Join(errLost, err)
	}
	return outcome{syscall.Errno(got.error), syscall.WaitStatus(got.status)}, nil
}

func (r *running) free() {
	r.status.Close()
	r.lifeline.Close()
	C.avir_end(r.waiter, r.memory)
}
