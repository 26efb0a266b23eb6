package hostdeps

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/run"
)

// Program is something that targets use, and the Debian package that brings it.
type Program struct {
	Name    string
	Package string
	Targets string // who needs it, with blanks between

	// Shows is a program in PATH, or a file, that shows where no dpkg is that
	// the package's content is there.
	Shows string
}

// Programs are all that targets use beside Go and zig. "test" runs the tests of
// the packages, the repositories, the build and the documents, and lints.
var Programs = []Program{
	{"git", "git", "lint test package", "git"},
	{"objcopy", "binutils", "build test", "objcopy"},
	{"npm", "npm", "build-with-zig", "npm"},
	{"gcc", "gcc", "lint test bench", "gcc"},
	{"C library to compile with", "libc6-dev", "lint test bench", "/usr/include/stdio.h"},
	{"gcc -m32", "gcc-multilib", "build-with-gcc test bench", ""},
	{"g++ -m32", "g++-multilib", "test", "g++"},
	{"busybox", "busybox-static", "test", "busybox"},
	{"32-bit C library", "libc6-i386", "test test:packages test:floor release bench", "/lib/ld-linux.so.2"},
	{"clamd", "clamav-daemon", "test test:packages bench", "clamd"},
	{"clamdscan", "clamdscan", "test bench", "clamdscan"},
	{"haproxy", "haproxy", "test", "haproxy"},
	{"stunnel", "stunnel4", "test", "stunnel4"},
	{"openssl", "openssl", "test", "openssl"},
	{"unzip", "unzip", "test", "unzip"},
	{"gdb", "gdb", "test", "gdb"},
	{"rsync", "rsync", "test", "rsync"},
	{"clang-format", "clang-format", "lint test", "clang-format"},
	{"apt-ftparchive", "apt-utils", "repo test test:packages", "apt-ftparchive"},
	{"createrepo_c", "createrepo-c", "repo test test:packages", "createrepo_c"},
	{"gpg", "gnupg", "signing test test:packages", "gpg"},
	{"rpm", "rpm", "repo verify test test:packages", "rpm"},
	{"dnf", "dnf", "test test:packages", "dnf"},
	{"lintian", "lintian", "test test:packages", "lintian"},
	{"rpmlint", "rpmlint", "test test:packages", "rpmlint"},
	{"mmdebstrap", "mmdebstrap", "test test:packages test:floor vm:box", "mmdebstrap"},
	{"Debian's keys", "debian-archive-keyring", "test test:packages test:floor vm:box", "/usr/share/keyrings/debian-archive-keyring.gpg"},
	{"unshare", "util-linux", "test test:packages test:floor vm:box", "unshare"},
	{"qemu-img", "qemu-utils", "vm:box", "qemu-img"},
	{"mke2fs", "e2fsprogs", "vm:box", "/sbin/mke2fs"},
	{"dpkg", "dpkg", "test test:packages", "dpkg"},
	{"vagrant", "vagrant", "test:vm", "vagrant"},
	{"ssh", "openssh-client", "test:vm", "ssh"},
}

// For returns the packages that a target needs.
func For(target string) (packages []string) {
	for _, p := range Programs {
		if slices.Contains(strings.Fields(p.Targets), target) {
			packages = append(packages, p.Package)
		}
	}
	return packages
}

// Has says whether a package is installed or, where there is no dpkg, whether
// what it holds is there.
func Has(ctx context.Context, pkg string) bool {
	missing, err := Missing(ctx, pkg)
	if err == nil {
		return len(missing) == 0
	}
	i := slices.IndexFunc(Programs, func(p Program) bool { return p.Package == pkg })
	return i >= 0 && Programs[i].There(ctx)
}

// There says whether the program is there, whatever brought it.
func (p Program) There(ctx context.Context) bool {
	if strings.HasSuffix(p.Package, "-multilib") {
		// gcc prints the bare name of a file that it doesn't have.
		path, err := run.Command{Name: "gcc", Args: []string{"-m32", "-print-file-name=crt1.o"}}.Run(ctx)
		return err == nil && filepath.IsAbs(strings.TrimSpace(path))
	}
	if filepath.IsAbs(p.Shows) {
		_, err := os.Stat(p.Shows)
		return err == nil
	}
	// An ordinary user's PATH leaves out where systems put daemons.
	for _, dir := range []string{"", "/usr/sbin", "/sbin"} {
		if _, err := exec.LookPath(filepath.Join(dir, p.Shows)); err == nil {
			return true
		}
	}
	return false
}
