package hostile

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/samples"
)

func checkSpecialFiles(ctx context.Context, e *env) (string, error) {
	eicar, err := filepath.Abs(e.Path(samples.Eicar))
	if err != nil {
		return "", err
	}
	// What is no file is called as the clean sample, so that a plugin which
	// goes by the name alone shows that.
	in := func(folder string) string { return filepath.Join(e.dir, folder, samples.Clean) }
	infected := func(folder string) string { return filepath.Join(e.dir, folder, samples.Eicar) }
	files := []struct {
		what string
		path string
		make func(path string) error
	}{
		{"a FIFO", in("fifo"), func(path string) error { return syscall.Mkfifo(path, 0o644) }},
		{"a directory", in("directory"), func(path string) error { return os.Mkdir(path, 0o755) }},
		{"a socket", in("socket"), makeSocket},
		{"a link to EICAR", infected("link"), func(path string) error { return os.Symlink(eicar, path) }},
		{"a link to nothing", in("dangling"), func(path string) error { return os.Symlink("nothing", path) }},
		{"a link to itself", in("loop"), func(path string) error { return os.Symlink(path, path) }},
		{"an unreadable EICAR", infected("unreadable"), func(path string) error {
			data, err := os.ReadFile(eicar)
			if err != nil {
				return err
			}
			return os.WriteFile(path, data, 0)
		}},
		{"a path that goes on behind a file", filepath.Join(eicar, samples.Clean), nil},
	}
	var p problems
	var waited patience
	for _, f := range files {
		if f.make != nil {
			if err := os.Mkdir(filepath.Dir(f.path), 0o755); err != nil {
				return "", err
			}
			if err := f.make(f.path); err != nil {
				return "", fmt.Errorf("make %s: %w", f.what, err)
			}
		}
		if err := e.neverOK(ctx, f.what, f.path, e.prompt()); err != nil {
			p.add("%v", err)
			if waited.lost(err) {
				return "", p.err()
			}
		}
	}
	return fmt.Sprintf("%d kinds of files, none was OK", len(files)), p.err()
}

// makeSocket leaves a unix socket in the file system that nobody listens on. It
// goes by a descriptor of the folder, because an address has 107 bytes at most.
func makeSocket(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	return syscall.Bind(fd, &syscall.SockaddrUnix{Name: fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(path))})
}

// neverOK scans a path in a host of its own.
func (e *env) neverOK(ctx context.Context, what, path string, limit time.Duration) error {
	h, err := e.working(ctx)
	if err != nil {
		return err
	}
	defer e.done(h)
	a, err := h.SendScan(path).Wait(limit)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", what, err)
	case a.Fault() != "":
		return fmt.Errorf("%s: %s", what, a.Fault())
	case a.Verdict == host.OK:
		return fmt.Errorf("%s was answered with OK", what)
	}
	return nil
}

func checkDeadline(ctx context.Context, e *env) (string, error) {
	fifo := filepath.Join(e.dir, samples.Clean)
	if err := syscall.Mkfifo(fifo, 0o644); err != nil {
		return "", fmt.Errorf("make a FIFO: %w", err)
	}
	writer, err := os.OpenFile(fifo, os.O_RDWR, 0) // a FIFO opens at once for both
	if err != nil {
		return "", err
	}
	defer writer.Close()
	big := filepath.Join(e.dir, "big.file")
	made := makeBig(big, e.Path(samples.Eicar))
	var p problems
	for _, f := range []struct {
		what, path string
		skip       error
	}{
		{"a FIFO with a silent writer", fifo, nil},
		{"/dev/zero", "/dev/zero", nil},
		{"4 GiB with EICAR at the end", big, made},
	} {
		if f.skip != nil {
			continue
		}
		if err := e.neverOK(ctx, f.what, f.path, e.Limit); err != nil {
			p.add("%v", err)
		}
	}
	if made != nil && len(p) == 0 {
		return "", notApplicable(fmt.Sprintf("a file of 4 GiB, nearly all of it a hole, could not be made: %v: choose another TMPDIR", made))
	}
	return "each was answered in time, none with OK", p.err()
}

// makeBig makes a file with a hole of 4 GiB, which takes no room on the disk,
// and EICAR behind it: a size counted in 32 bits sees 68 bytes.
func makeBig(path, eicar string) error {
	data, err := os.ReadFile(eicar)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, 1<<32)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
