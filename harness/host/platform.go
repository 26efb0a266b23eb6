package host

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Platform is a kind of system that plugins are made for. A plugin needs a host
// of its own platform, for a process has only one kind of code.
type Platform struct {
	Name  string // of its folder in dist
	Words string // for people
	Flag  string // makes an x86 gcc compile for it
	Deb   string // architecture of its packages in dpkg's words
	RPM   string // and in rpm's

	class   elf.Class
	machine elf.Machine
	loader  string // what executes its programs
	install string // packages that have the loader

	// Limits of the address space that a plugin is tried with, in MB. It may
	// refuse to work below the one that is Enough. A 64-bit Go runtime reserves
	// 800 MB, where a 32-bit one takes what it can get.
	AddressSpaces []int
	Enough        int
}

// Platforms are those that avserver is compiled for.
var Platforms = []*Platform{
	{
		Name: "linux-386", Words: "32-bit x86 (i386)", Flag: "-m32", Deb: "i386", RPM: "i686",
		class: elf.ELFCLASS32, machine: elf.EM_386,
		loader: "/lib/ld-linux.so.2", install: "libc6-i386 (Debian, Ubuntu) or glibc.i686 (RHEL, Fedora)",
		AddressSpaces: []int{100, 120, 150, 200, 300, 400, 600, 1000, 2000}, Enough: 600,
	},
	{
		Name: "linux-amd64", Words: "64-bit x86 (x86-64)", Flag: "-m64", Deb: "amd64", RPM: "x86_64",
		class: elf.ELFCLASS64, machine: elf.EM_X86_64,
		loader: "/lib64/ld-linux-x86-64.so.2", install: "libc6-amd64 (Debian, Ubuntu) under a 64-bit kernel",
		AddressSpaces: []int{1000, 1200, 1280, 1340, 1400, 1500, 2000, 4000}, Enough: 2000,
	},
}

// PlatformOf returns the platform of an ELF file. Its error says what a file is
// that is for none of them.
func PlatformOf(f *elf.File) (*Platform, error) {
	for _, p := range Platforms {
		if f.Class == p.class && f.Machine == p.machine {
			return p, nil
		}
	}
	bits := strings.TrimPrefix(f.Class.String(), "ELFCLASS")
	machine := strings.TrimPrefix(f.Machine.String(), "EM_")
	return nil, fmt.Errorf("it is for %s-bit %s, and there are hosts for %s", bits, machine, Words())
}

// PlatformOfFile is PlatformOf for the file at path.
func PlatformOfFile(path string) (*Platform, error) {
	f, err := OpenELF(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return PlatformOf(f)
}

// OpenELF is elf.Open, which says EOF of a file that is too short for what it
// seems to hold.
func OpenELF(path string) (*elf.File, error) {
	f, err := elf.Open(path)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it is cut off, or too short for an ELF file")
	}
	return f, err
}

// Words lists the platforms for people.
func Words() string {
	var words []string
	for _, p := range Platforms {
		words = append(words, p.Words)
	}
	return strings.Join(words, " and ")
}
