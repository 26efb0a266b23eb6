// Package versions is the one place where compilers, floors and tools are
// pinned. A version that stands anywhere else is derived from here or checked
// against it by a test (go.mod files, the npm lock file).
package versions

const (
	// TargetGo builds everything that runs on target systems. It is the last
	// Go that runs on Linux 2.6.32: later ones use system calls that are
	// missing there, and abort the host.
	TargetGo = "go1.23.12"

	// Zig is the C compiler and linker of the zig toolchain. The mending of
	// its linker's output (internal/build/lldmend) is tested with this version.
	Zig = "0.16.0"

	// GlibcFloor is the oldest glibc that a library may ask for: Debian 6
	// has 2.11.3, CentOS 6 has 2.12.
	GlibcFloor = "2.11"

	// KernelFloor is the oldest kernel that a library may ask for, the one
	// of both Debian 6 and CentOS 6.
	KernelFloor = "2.6.32"
)
