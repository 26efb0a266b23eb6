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

// testFileName is what clamd's log calls the file of a self-test.
const testFileName = "avirkit-selftest"

// errNoTestFile says that this machine, and not the server, keeps us from a
// test.
var errNoTestFile = errors.New("no test file can be made")

// memfdCreate are the numbers of memfd_create(2), which package syscall
// doesn't have.
var memfdCreate = map[string]uintptr{"386": 356, "amd64": 319}

// tempFolders hold the test file on older kernels, the first that can; "" is
// the one that the environment names.
var tempFolders = []string{"", "/tmp", "/var/tmp", "/dev/shm"}

// makeTestFile puts an archive into a file that nobody can change, not even
// the clamd that is given its descriptor: in memory and sealed if the kernel
// has that (3.17), otherwise in the folder for temporary files, without a name
// and opened for reading. The gap in the archive takes no room. The caller
// closes the descriptor.
func makeTestFile(z testvirus.Zip) (fd int, err error) {
	if fd, err = makeSealed(z); err == nil {
		return fd, nil
	}
	if fd, err = makeReadOnly(z); err != nil {
		return -1, fmt.Errorf("%w: %w", errNoTestFile, err)
	}
	return fd, nil
}

func makeSealed(z testvirus.Zip) (int, error) {
	const (
		closeOnExec  = 1             // MFD_CLOEXEC
		allowSealing = 2             // MFD_ALLOW_SEALING
		addSeals     = 1033          // F_ADD_SEALS
		allSeals     = 1 | 2 | 4 | 8 // F_SEAL_SEAL, SHRINK, GROW and WRITE
	)
	number, known := memfdCreate[runtime.GOARCH]
	if !known {
		return -1, syscall.ENOSYS
	}
	name := append([]byte(testFileName), 0)
	memfd, _, errno := syscall.Syscall(number, uintptr(unsafe.Pointer(&name[0])), closeOnExec|allowSealing, 0)
	if errno != 0 {
		return -1, errno
	}
	fd := int(memfd)
	err := writeArchive(fd, z)
	if err == nil {
		if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, memfd, addSeals, allSeals); errno != 0 {
			err = errno
		}
	}
	if err != nil {
		_ = syscall.Close(fd)
		return -1, err
	}
	return fd, nil
}

func makeReadOnly(z testvirus.Zip) (int, error) {
	f, err := createTemp()
	if err != nil {
		return -1, err
	}
	defer f.Close()
	defer os.Remove(f.Name())
	if err := writeArchive(int(f.Fd()), z); err != nil {
		return -1, err
	}
	return syscall.Open(f.Name(), syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NOFOLLOW, 0)
}

func createTemp() (f *os.File, err error) {
	for _, dir := range tempFolders {
		var failed error
		if f, failed = os.CreateTemp(dir, testFileName+"-"); failed == nil {
			return f, nil
		}
		err = errors.Join(err, failed)
	}
	return nil, err
}

func writeArchive(fd int, z testvirus.Zip) error {
	for off, part := range map[int64][]byte{0: z.Head, z.Size - int64(len(z.Tail)): z.Tail} {
		n, err := syscall.Pwrite(fd, part, off)
		if err == nil && n < len(part) {
			err = syscall.ENOSPC
		}
		if err != nil {
			return err
		}
	}
	return nil
}
