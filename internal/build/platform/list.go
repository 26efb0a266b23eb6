package platform

import (
	"debug/elf"

	"github.com/avirkit/avirkit/internal/versions"
)

// All are the platforms that a build makes, in the order in which it names
// them. Callers must not change them.
var All = []*Platform{
	{
		Name: "linux-386", Words: "32-bit x86 (i386)",
		GOARCH: "386", GoEnv: []string{"GO386=sse2"}, PointerSize: 4,
		ZigTarget: "x86-linux-gnu." + versions.GlibcFloor, MisplacedTLS: true,
		GCCFlag: "-m32", GCCPackages: []string{"gcc-multilib"}, GXXPackages: []string{"g++-multilib"},
		Class: elf.ELFCLASS32, Machine: elf.EM_386, Relocations: relocations386,
		Loader: "/lib/ld-linux.so.2", RunPackages: []string{"libc6-i386"},
		GlibcFloor: versions.GlibcFloor, KernelFloor: versions.KernelFloor,
		LastSyscall: 336, // perf_event_open
		ABIList:     "glibc-2.11-i386.abilist",
		Deb:         "i386", RPM: "i686",
	},
	{
		Name: "linux-amd64", Words: "64-bit x86 (x86-64)",
		GOARCH: "amd64", GoEnv: []string{"GOAMD64=v1"}, PointerSize: 8,
		ZigTarget: "x86_64-linux-gnu." + versions.GlibcFloor,
		GCCFlag:   "-m64", GCCPackages: []string{"gcc", "libc6-dev"}, GXXPackages: []string{"g++"},
		Class: elf.ELFCLASS64, Machine: elf.EM_X86_64, Relocations: relocationsAMD64,
		Loader:     "/lib64/ld-linux-x86-64.so.2",
		GlibcFloor: versions.GlibcFloor, KernelFloor: versions.KernelFloor,
		LastSyscall: 298, // perf_event_open
		ABIList:     "glibc-2.11-x86_64.abilist",
		Deb:         "amd64", RPM: "x86_64", RPMMark: "(64bit)",
	},
}
