package audit

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
)

// Go's code for 386 finds its goroutine through a GOT entry that ld.so fills
// with the offset of a thread-local variable:
//
//	call thunk          ; e8, then the distance: reg = address after the call
//	mov  disp(reg),reg  ; 8b, ModRM with a 32-bit displacement: the entry
//
// The linker computes disp from two relocations at one place. LLD gets that
// wrong and leaves the distance from .got.plt instead of the one from the
// place, and the library crashes when it is loaded.
const (
	opCall = 0xe8
	opMov  = 0x8b
	// accessSize is the length of both instructions, in bytes.
	accessSize = 5 + 6
)

// tlsAccesses counts the accesses to slots that are right, and those that
// hold what the linker's defect leaves.
func (a *audit) tlsAccesses(slots map[uint32]bool, gotPLT uint32) (right int, wrong []uint32) {
	for _, p := range a.Progs {
		if p.Type != elf.PT_LOAD || p.Flags&elf.PF_X == 0 {
			continue
		}
		code := a.data[p.Off : p.Off+p.Filesz]
		for at := 0; at+accessSize <= len(code); at++ {
			i := bytes.IndexByte(code[at:len(code)-accessSize+1], opCall)
			if i < 0 {
				break
			}
			at += i
			// mod 10: a register and a 32-bit displacement, no SIB byte.
			if modRM := code[at+6]; code[at+5] != opMov || modRM>>6 != 2 || modRM&7 == 4 {
				continue
			}
			after := uint32(p.Vaddr) + uint32(at) + 5
			disp := binary.LittleEndian.Uint32(code[at+7:])
			if !a.isThunk(after + binary.LittleEndian.Uint32(code[at+1:])) {
				continue
			}
			if slots[after+disp] {
				right++
			} else if slots[gotPLT+disp-2] { // 2 is the addend: the place is 2 bytes after the call
				wrong = append(wrong, after)
			}
		}
	}
	return right, wrong
}

// isThunk says whether the function at addr returns its return address in a
// register: mov (%esp),reg; ret.
func (a *audit) isThunk(addr uint32) bool {
	code := a.bytesAt(uint64(addr), 4)
	return code != nil && code[0] == opMov && code[1]&0xc7 == 0x04 && code[2] == 0x24 && code[3] == 0xc3
}

// goTLS judges how Go's code reaches its thread-local slot.
func (a *audit) goTLS() error {
	relocs, err := a.relocationTable(elf.DT_REL, elf.DT_RELSZ)
	if err != nil {
		return err
	}
	slots := make(map[uint32]bool)
	for ; len(relocs) >= 8; relocs = relocs[8:] {
		r := relocation{binary.LittleEndian.Uint32(relocs), binary.LittleEndian.Uint32(relocs[4:])}
		if r.kind() == elf.R_386_TLS_TPOFF {
			slots[r.place] = true
		}
	}
	gotPLT, _ := a.dyn(elf.DT_PLTGOT)
	right, wrong := a.tlsAccesses(slots, uint32(gotPLT))
	switch {
	case len(wrong) > 0:
		a.add("go-tls", Error, fmt.Sprintf("crashes when it is loaded: at %d places, the first at %#x, the linker (LLD) has dropped one of two relocations; link it with GNU ld, or mend it before it is stripped as mage build does", len(wrong), wrong[0]))
	case right == 0:
		a.add("go-tls", Error, "has no access to Go's thread-local slot that the audit knows, so it can't be told whether the linker got them right: link it as mage build does")
	}
	return nil
}
