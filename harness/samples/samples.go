// Package samples composes the files that the tests scan. They are made at run
// time, so that nothing which an antivirus detects lies in the repository or
// in a program file.
package samples

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/wholefile"
)

// Sample is one test file and the verdict that a plugin owes it.
type Sample struct {
	Name   string
	Expect host.Verdict
	make   func() []byte // nil: the file must not exist
}

// Names of samples that tests use by themselves.
const (
	Clean   = "clean.exe"
	Eicar   = "eicar.com"
	Empty   = "empty.file"
	Huge    = "huge.file"
	Missing = "nonexisting.file"
)

// All returns the samples of the reference program in its order.
func All() []Sample {
	return []Sample{
		{Clean, host.OK, clean},
		{Eicar, host.VirusFound, eicar},
		{"eicar.zip", host.VirusFound, func() []byte { return storedZip(Eicar, eicar(), nil) }},
		{"eicarpwd.zip", host.Impossible, func() []byte { return storedZip(Eicar, eicar(), password()) }},
		{Empty, host.OK, func() []byte { return nil }},
		{Huge, host.OK, huge},
		{Missing, host.Failed, nil},
	}
}

// Generate writes the samples into the folder dir, which it makes, and removes
// what must not exist there.
func Generate(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the data folder: %w; choose another with --data", err)
	}
	for _, s := range All() {
		path := filepath.Join(dir, s.Name)
		if s.make == nil {
			if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
				return fmt.Errorf("remove %s, which must not exist: %w", path, err)
			}
			continue
		}
		if err := write(path, s.make()); err != nil {
			return fmt.Errorf("write sample %s: %w; choose another folder with --data", path, err)
		}
	}
	return nil
}

// write keeps a file that is right already.
func write(path string, data []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
		return nil
	}
	return wholefile.Write(path, data)
}

// eicar composes the antivirus industry's harmless test file.
func eicar() []byte {
	const head, tail = `X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STAND`, `ARD-ANTIVIRUS-TEST-FILE!$H+H*`
	return append([]byte(head), tail...)
}

// clean is a DOS program of 95 bytes that prints a line and ends.
func clean() []byte {
	code := []byte{
		0x0E, 0x1F, // push cs; pop ds
		0xBA, 0x0E, 0x00, // mov dx, text
		0xB4, 0x09, 0xCD, 0x21, // print
		0xB8, 0x00, 0x4C, 0xCD, 0x21, // exit 0
	}
	header := []byte{
		'M', 'Z', 95, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0xFF, 0xFF, 0, 0,
		0x40, 0, 0, 0, 0, 0, 0, 0, 0x1C, 0, 0, 0, 0, 0, 0, 0,
	}
	text := "This harmless program has no virus in it.\r\n$"
	program := append(append(header, code...), text...)
	return append(program, make([]byte, 95-len(program))...)
}

// hugeSize is the reference program's.
const hugeSize = 15_000_000

// huge is noise that is the same every time.
func huge() []byte {
	data := make([]byte, hugeSize)
	noise := rand.NewChaCha8([32]byte{})
	_, _ = noise.Read(data) // never fails
	return data
}
