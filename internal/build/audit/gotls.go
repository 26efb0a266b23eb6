package audit

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
)

// tlsAccess is the length, in bytes, of what Go's compiler makes of an access
// to its thread-local slot in a library: the first instructions of nearly every
// function, up to the %gs prefix.
//
//	e8 REL32       call the thunk that sets reg to the return address
//	8b MODRM DISP  mov DISP(reg), reg    the slot's offset, from the GOT
//	65 …           %gs: …(reg)           the slot itself
//
// Return address plus DISP must be a GOT entry that ld.so fills in. LLD gets
// DISP wrong (it applies only the last of two relocations that Go's linker puts
// there), and the first access then crashes the host during dlopen.
const tlsAccess = 12

// goTLS checks each access. A wrong one is the only fault of linking that no
// table of the file shows, so the code itself is looked at.
func (a *audit) goTLS() {
	var names []string
	accesses, missed := 0, 0
	for _, p := range a.Progs {
		if p.Type != elf.PT_LOAD || p.Flags&elf.PF_X == 0 {
			continue
		}
		code := a.data[p.Off : p.Off+p.Filesz]
		for at := 0; at+tlsAccess <= len(code); at++ {
			addr := uint32(p.Vaddr) + uint32(at)
			slot, ok := a.tlsSlot(code[at:at+tlsAccess], addr)
			if !ok {
				continue
			}
			accesses++
			if a.tlsSlots[uint64(slot)] {
				continue
			}
			if missed++; missed <= maxPlaces {
				names = append(names, fmt.Sprintf("%#x takes it from %#x", addr, slot))
			}
		}
	}
	if accesses == 0 {
		a.add("go-tls", Error, "has none of the accesses to Go's thread-local slot that the audit knows, so a bad link can't be ruled out: build it with "+a.policy.GoVersion)
	}
	a.addIfAny("go-tls", Error, fmt.Sprintf("misses Go's thread-local slot at %d of %d places and crashes the host when it is loaded, as LLD links it: mend it as mage build does, or link with GNU ld", missed, accesses), andMore(names, missed))
}

// tlsSlot is where an access takes the slot's offset from, if code is one.
func (a *audit) tlsSlot(code []byte, addr uint32) (slot uint32, ok bool) {
	if code[0] != 0xe8 || code[5] != 0x8b || code[11] != 0x65 {
		return 0, false
	}
	// mod 2 is a 32-bit displacement; register 4 would mean another byte.
	reg := code[6] & 7
	if code[6] != 0x80|reg<<3|reg || reg == 4 {
		return 0, false
	}
	after := addr + 5
	thunk := after + binary.LittleEndian.Uint32(code[1:])
	// mov (%esp), reg; ret
	if !bytes.Equal(a.bytesAt(uint64(thunk), 4), []byte{0x8b, 4 | reg<<3, 0x24, 0xc3}) {
		return 0, false
	}
	return after + binary.LittleEndian.Uint32(code[7:]), true
}
