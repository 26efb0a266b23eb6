package platform

import "debug/elf"

// Relocations tells which relocations ld.so of the floor applies to a shared
// library, and in which form they stand in the file.
type Relocations struct {
	// Addends says that each entry holds its addend (RELA), and does not find
	// it at the relocated place (REL).
	Addends bool

	// Known are the types that ld.so applies to a library. The types that call
	// code of the library while it is half relocated are left out (IRELATIVE),
	// as are those for programs (COPY).
	Known []uint32

	None      uint32   // does nothing
	Relative  uint32   // stores an address of the library itself
	TLSOffset uint32   // stores the offset of a thread-local variable
	StaticTLS []uint32 // all that take static TLS, TLSOffset included

	Name func(kind uint32) string
}

var relocations386 = Relocations{
	Known: numbers(elf.R_386_NONE, elf.R_386_32, elf.R_386_PC32, elf.R_386_GLOB_DAT,
		elf.R_386_JMP_SLOT, elf.R_386_RELATIVE, elf.R_386_TLS_TPOFF,
		elf.R_386_TLS_DTPMOD32, elf.R_386_TLS_DTPOFF32, elf.R_386_TLS_TPOFF32,
		elf.R_386_TLS_DESC),
	None:      uint32(elf.R_386_NONE),
	Relative:  uint32(elf.R_386_RELATIVE),
	TLSOffset: uint32(elf.R_386_TLS_TPOFF),
	StaticTLS: numbers(elf.R_386_TLS_TPOFF, elf.R_386_TLS_TPOFF32),
	Name:      func(kind uint32) string { return elf.R_386(kind).String() },
}

// R_X86_64_PC32 and R_X86_64_32 are left out: ld.so applies them, but they
// reach only 2 GiB, and it refuses the library where the distance is larger.
var relocationsAMD64 = Relocations{
	Addends: true,
	Known: numbers(elf.R_X86_64_NONE, elf.R_X86_64_64, elf.R_X86_64_GLOB_DAT,
		elf.R_X86_64_JMP_SLOT, elf.R_X86_64_RELATIVE, elf.R_X86_64_TPOFF64,
		elf.R_X86_64_DTPMOD64, elf.R_X86_64_DTPOFF64, elf.R_X86_64_TLSDESC),
	None:      uint32(elf.R_X86_64_NONE),
	Relative:  uint32(elf.R_X86_64_RELATIVE),
	TLSOffset: uint32(elf.R_X86_64_TPOFF64),
	StaticTLS: numbers(elf.R_X86_64_TPOFF64),
	Name:      func(kind uint32) string { return elf.R_X86_64(kind).String() },
}

func numbers[T ~int](kinds ...T) (n []uint32) {
	for _, k := range kinds {
		n = append(n, uint32(k))
	}
	return n
}
