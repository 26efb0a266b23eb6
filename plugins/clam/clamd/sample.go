package clamd

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

// memfdCreate are the numbers of memfd_create(2), which package syscall
// doesn't have.
var memfdCreate = map[string]uintptr{"386": 356, "amd64": 319}

// tempFolders hold the test file on older kernels, the first that can; "" is
// the one that the environment names.
var tempFolders = []string{"", "/tmp", "/var/tmp", "/dev/shm"}

// writeSample puts a zip into a file without a name, in memory if the kernel
// has that (3.17) and in the folder for temporary files otherwise. The gap
// between the two parts takes no room, and none when it is read either. The
// caller closes the descriptor.
func writeSample(z testvirus.Zip) (fd int, err error) {
	if fd, err = makeSample(); err != nil {
		return -1, fmt.Errorf("%w: make a test file: %w", errNoSample, err)
	}
	for off, part := range map[int64][]byte{0: z.Head, z.Size - int64(len(z.Tail)): z.Tail} {
		n, err := syscall.Pwrite(fd, part, off)
		if err == nil && n < len(part) {
			err = syscall.ENOSPC
		}
		if err != nil {
			_ = syscall.Close(fd)
			return -1, fmt.Errorf("%w: write a test file: %w", errNoSample, err)
		}
	}
	return fd, nil
}

func makeSample() (int, error) {
	const closeOnExec = 1 // MFD_CLOEXEC
	name := [...]byte{'a', 'v', 'i', 'r', 0}
	if number, known := memfdCreate[runtime.GOARCH]; known {
		fd, _, errno := syscall.Syscall(number, uintptr(unsafe.Pointer(&name)), closeOnExec, 0)
		if errno == 0 {
			return int(fd), nil
		}
	}
	f, err := createTemp()
	if err != nil {
		return -1, err
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return -1, err
	}
	dup, _, errno := syscall.Syscall(syscall.SYS_FCNTL, f.Fd(), syscall.F_DUPFD_CLOEXEC, 3)
	if errno != 0 {
		return -1, errno
	}
	return int(dup), nil
}

func createTemp() (f *os.File, err error) {
	for _, dir := range tempFolders {
		var failed error
		if f, failed = os.CreateTemp(dir, "avir_clam"); failed == nil {
			return f, nil
		}
		err = errors.Join(err, failed)
	}
	return nil, err
}
