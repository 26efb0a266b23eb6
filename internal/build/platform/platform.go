package platform

import (
	"debug/elf"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/build/glibc"
)

// Platform is one kind of system that plugins run on.
type Platform struct {
	Name  string // also the folder in dist: linux-386
	Words string // for people: 32-bit x86 (i386)

	// The Go compiler.
	GOARCH      string
	GoEnv       []string // the oldest processors that are supported
	PointerSize int      // in bytes

	// The C compilers.
	ZigTarget    string
	MisplacedTLS bool   // LLD misplaces Go's accesses to its TLS slot; see internal/build/lldmend
	GCCFlag      string // makes an x86 gcc compile for the platform

	// ELF files, and what ld.so of the floor does with them.
	Class       elf.Class
	Machine     elf.Machine
	Relocations Relocations
	Loader      string // ld.so's path, as programs name it

	// The oldest supported systems.
	GlibcFloor  string
	KernelFloor string
	LastSyscall int    // the highest system call number of KernelFloor
	ABIList     string // the file in internal/build/glibc that lists the symbols of GlibcFloor

	// Packages that are made for the platform.
	Deb     string // architecture in dpkg's words
	RPM     string // and in rpm's
	RPMMark string // what rpm appends to the soname in a dependency

	// A 64-bit Debian that builds for the platform and runs its programs.
	GCCPackages []string // gcc that links for the platform
	GXXPackages []string // g++, too
	RunPackages []string // what runs its programs; empty if every system does
}

// Glibc returns the symbols of the oldest supported C library.
func (p *Platform) Glibc() *glibc.ABI { return glibc.List(p.ABIList) }

// LoaderSoname is ld.so's name among the libraries that a file needs.
func (p *Platform) LoaderSoname() string { return filepath.Base(p.Loader) }

// Runnable are the platforms whose programs its processors run, its own first.
func (p *Platform) Runnable() []*Platform {
	list := []*Platform{p}
	for _, o := range All {
		if o.Bits() < p.Bits() {
			list = append(list, o)
		}
	}
	return list
}

// LibraryFolder is where this machine has the platform's C library: ld.so is part of
// it.
func (p *Platform) LibraryFolder() (string, error) {
	loader, err := filepath.EvalSymlinks(p.Loader)
	return filepath.Dir(loader), err
}

// Bits is the width of the platform's addresses: 32 or 64.
func (p *Platform) Bits() int { return 8 * p.PointerSize }

// Other returns a platform of the other width.
func (p *Platform) Other() *Platform {
	i := slices.IndexFunc(All, func(o *Platform) bool { return o.Bits() != p.Bits() })
	return All[i]
}

func (p *Platform) String() string { return p.Name }

// Of returns the platform of an ELF file's class and machine, or nil.
func Of(class elf.Class, machine elf.Machine) *Platform {
	for _, p := range All {
		if p.Class == class && p.Machine == machine {
			return p
		}
	}
	return nil
}

// Find returns the platforms that a list with commas names.
func Find(list string) ([]*Platform, error) {
	wanted := map[string]bool{}
	for name := range strings.SplitSeq(list, ",") {
		wanted[strings.TrimSpace(name)] = true
	}
	var found []*Platform
	for _, p := range All {
		if wanted[p.Name] {
			found = append(found, p)
			delete(wanted, p.Name)
		}
	}
	for name := range wanted {
		return nil, fmt.Errorf("unknown platform %q: there are %s", name, Names(All))
	}
	return found, nil
}

// Native returns the platform of this machine's own programs, or nil.
func Native() *Platform {
	for _, p := range All {
		if p.GOARCH == runtime.GOARCH {
			return p
		}
	}
	return nil
}

// Names lists platforms for people.
func Names(platforms []*Platform) string {
	var names []string
	for _, p := range platforms {
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}
