package repo

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/packages"
)

// What lies in a folder may have been put there by anybody who can write to a
// web server: names that programs take for options, links, pipes that block
// whoever opens them, files without an end.

// maxFile bounds what is read of one file. The packages have a few megabytes; a
// release's archive of the repositories grows by 30 with each version that stays.
const maxFile = 2 << 30

// Printable returns a name without what rules a terminal or begins a line.
func Printable(name string) string {
	quoted := strconv.Quote(name)
	return quoted[1 : len(quoted)-1]
}

// readRegular reads a file that is neither a link nor a device nor a pipe. A
// link may show one thing here and another one on the web server. os.Root
// follows none that leads out of dir on the way to the file.
func readRegular(dir *os.Root, name string) (data []byte, err error) {
	defer func() {
		if p := (*fs.PathError)(nil); errors.As(err, &p) { // it has the name as it is
			err = fmt.Errorf("read %s/%s: %w", dir.Name(), Printable(name), p.Err)
		}
	}()
	there, err := dir.Lstat(name)
	if err != nil {
		return nil, err
	}
	// Not blocking, because opening a pipe waits for its writer.
	f, err := dir.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || !os.SameFile(there, info) || info.Size() > maxFile {
		return nil, fmt.Errorf("%s/%s is no regular file of at most %d MiB: remove it", dir.Name(), Printable(name), maxFile>>20)
	}
	data = make([]byte, info.Size())
	_, err = io.ReadFull(f, data)
	return data, err
}

// A format is one kind of package and its place in the repositories.
type format struct {
	extension string
	names     *regexp.Regexp                // of files: a package's name, version and architecture
	version   func(packages.Version) string // as the names have it
	pool      func(Channel) string          // the folder of the packages in a channel
}

// debPool is the folder of all Debian packages: apt has one for all channels.
const debPool = "apt/pool/main"

var (
	debFormat = format{
		".deb",
		regexp.MustCompile(`^([a-z0-9][a-z0-9+.-]*)_([0-9][A-Za-z0-9.+~-]*)_(all|` + strings.Join(architectures(deb), "|") + `)\.deb$`),
		packages.Version.Deb,
		func(Channel) string { return debPool },
	}
	rpmFormat = format{
		".rpm",
		regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9+._-]*)-([0-9][A-Za-z0-9._+]*-[0-9][A-Za-z0-9._+]*)\.(noarch|` + strings.Join(architectures(rpm), "|") + `)\.rpm$`),
		packages.Version.RPMWhole,
		Channel.yum,
	}
	formats = []format{debFormat, rpmFormat}
)

func deb(p *platform.Platform) string { return p.Deb }
func rpm(p *platform.Platform) string { return p.RPM }

// architectures are those that there are packages for, in a format's words.
func architectures(in func(*platform.Platform) string) (list []string) {
	for _, p := range platform.All {
		list = append(list, in(p))
	}
	slices.Sort(list)
	return list
}

// split returns the name and the version in a package's file name.
func (f format) split(file string) (name, version string, err error) {
	m := f.names.FindStringSubmatch(file)
	if m == nil {
		return "", "", fmt.Errorf("%q is not the name of a %s package: it must match %s", file, f.extension, f.names)
	}
	return m[1], m[2], nil
}

// place returns where a package lies below the format's pool.
func (f format) place(file string) (string, error) {
	name, _, err := f.split(file)
	return path.Join(name, file), err
}

// find lists what looks like a package below sub, of whatever type it is, and
// nothing where there is no such folder.
func (f format) find(dir *os.Root, sub string) ([]string, error) {
	var found []string
	err := fs.WalkDir(dir.FS(), sub, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && path.Ext(name) == f.extension {
			found = append(found, name)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("look for packages in %s: %w", dir.Name(), err)
	}
	return found, nil
}
