package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/magefile/mage/mage"

	"github.com/avirkit/avirkit/internal/run"
)

// ambient are variables of the environment that would change how the targets
// are compiled, or break it. The targets themselves get them.
var ambient = map[string]string{
	"CGO_ENABLED": "0", // they are Go alone, so CC and its flags don't matter
	"GOFLAGS":     "-buildvcs=false", "GOWORK": "off", "GOOS": "", "GOARCH": "", "GOEXPERIMENT": "",
}

// compile compiles the targets of a checkout and returns the path of the
// program, which is for this run alone. mage writes a file of its own into the
// checkout meanwhile, and would compile every checkout with the same magefile
// to the same path.
func compile(inv mage.Invocation) (program string, err error) {
	if err := enoughFiles(); err != nil {
		return "", err
	}
	checkout, err := filepath.Abs(inv.Dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(inv.CacheDir, 0o755); err != nil {
		return "", fmt.Errorf("make mage's cache: %w; set MAGEFILE_CACHE to a folder that can be written", err)
	}
	shared := filepath.Join(inv.CacheDir, fmt.Sprintf("targets-%.12x", sha256.Sum256([]byte(checkout))))
	unlock, err := run.LockFile(context.Background(), shared+".lock", "another mage, which compiles the targets of this checkout")
	if err != nil {
		return "", err
	}
	defer unlock()
	before := os.Environ()
	defer setAll(before)
	for name, value := range ambient {
		_ = os.Setenv(name, value)
	}
	inv.CompileOut = shared
	if mage.Invoke(inv) != 0 {
		return "", errors.New("the targets can't be compiled")
	}
	// The next run may compile other sources to the shared path.
	program = fmt.Sprintf("%s-%d", shared, os.Getpid())
	_ = os.Remove(program) // of a run that was killed
	return program, os.Link(shared, program)
}

// setAll makes the environment what it was.
func setAll(environment []string) {
	os.Clearenv()
	for _, e := range environment {
		name, value, _ := strings.Cut(e, "=")
		_ = os.Setenv(name, value)
	}
}

// leastFiles is how many files a process must be able to open: compilers and
// linkers that run side by side come to some 100.
const leastFiles = 256

// enoughFiles says that the limit of open files is too low, which programs
// report in many ways or not at all.
func enoughFiles() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if limit.Max < leastFiles {
		return fmt.Errorf("a process may open only %d files here, and builds need %d: raise the limit (ulimit -n)", limit.Max, leastFiles)
	}
	return nil
}
