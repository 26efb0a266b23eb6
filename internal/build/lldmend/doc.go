// Package lldmend corrects what LLD, zig's linker, makes of Go's 32-bit x86
// shared libraries.
//
// # The defect
//
// For each access to its thread-local slot Go's linker emits two relocations
// at one offset of go.o, R_386_GOTPC and then R_386_TLS_GOTIE, and relies on
// what the ELF gABI says of consecutive relocations at one place: the result
// of the first is the addend of the second. GNU ld composes them. LLD applies
// each to the original addend, so that the last one wins, and says nothing.
// With
//
//	slot = address of the GOT entry that holds the variable's TLS offset
//	GOT  = address of .got.plt, the base that GOT-relative values count from
//	P    = address of the relocated place
//	A    = the addend that stood at the place in go.o
//
// the place must hold slot + A - P, and LLD leaves slot + A - GOT. The first
// access, in runtime.rt0_go during dlopen, then crashes the host.
//
// # The remedy
//
// [Mend] adds GOT - P to each such place, after the link and before the
// output is stripped. It finds the places in the relocations of go.o, shifted
// by the distance of runtime.text between go.o and the output. Nothing is
// taken on trust: before it writes it proves that the bytes around each place
// are those of go.o, and that the place holds exactly what the defect leaves,
// for a slot that has an R_386_TLS_TPOFF relocation; and it reads the file
// again when it is done. A linker that composes correctly is noticed and left
// alone. Any other combination of relocations at one place is an error, as
// are places that hold anything else: the build then fails, as a library that
// is wrong in a way not known here must not be shipped.
package lldmend
