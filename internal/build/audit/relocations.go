package audit

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// knownRelocations are those that ld.so of the floor applies to libraries.
// R_386_IRELATIVE is left out: it calls code of the library while that is still
// half relocated. R_386_COPY belongs to programs.
var knownRelocations = []elf.R_386{
	elf.R_386_NONE, elf.R_386_32, elf.R_386_PC32, elf.R_386_GLOB_DAT,
	elf.R_386_JMP_SLOT, elf.R_386_RELATIVE, elf.R_386_TLS_TPOFF,
	elf.R_386_TLS_DTPMOD32, elf.R_386_TLS_DTPOFF32, elf.R_386_TLS_TPOFF32,
	elf.R_386_TLS_DESC,
}

// maxPlaces is how many places of one kind a finding names.
const maxPlaces = 20

// relocations judges every relocation that ld.so will apply.
func (a *audit) relocations() error {
	a.addIfAny("packed-relocations", Error, "has relocations in a form that glibc "+a.policy.GlibcFloor+" does not know: link with -Wl,-z,nopack-relative-relocs and without RELA",
		a.relocationForms())

	var unknown, text []relocation
	staticTLS := a.flags()&elf.DF_STATIC_TLS != 0
	for _, table := range [][2]elf.DynTag{{elf.DT_REL, elf.DT_RELSZ}, {elf.DT_JMPREL, elf.DT_PLTRELSZ}} {
		data, err := a.relocationTable(table[0], table[1])
		if err != nil {
			return err
		}
		for ; len(data) >= 8; data = data[8:] {
			r := relocation{place: binary.LittleEndian.Uint32(data), info: binary.LittleEndian.Uint32(data[4:])}
			switch r.kind() {
			case elf.R_386_NONE:
				continue
			case elf.R_386_TLS_TPOFF:
				staticTLS = true
				a.tlsSlots[r.place] = true
			case elf.R_386_TLS_TPOFF32:
				staticTLS = true
			}
			if !slices.Contains(knownRelocations, r.kind()) {
				unknown = append(unknown, r)
			}
			if p := a.segmentAt(uint64(r.place)); p == nil || p.Flags&elf.PF_W == 0 {
				text = append(text, r)
			}
		}
	}
	a.addIfAny("relocations", Error, "has relocations that ld.so of glibc "+a.policy.GlibcFloor+" does not apply to a library", a.relocationNames(unknown))
	if a.flags()&elf.DF_TEXTREL != 0 || a.hasTag(elf.DT_TEXTREL) || len(text) > 0 {
		a.Flags = append(a.Flags, "TEXTREL")
		a.add("textrel", Error, "needs its code patched while it is loaded, which SELinux forbids: compile all C and assembler code with -fPIC", a.relocationNames(text)...)
	}
	if staticTLS {
		a.Flags = append(a.Flags, "STATIC_TLS")
		if a.TLSBytes > maxStaticTLS {
			a.add("static-tls", Error, fmt.Sprintf("takes %d bytes of static TLS, and a library loaded late may count on %d: use fewer __thread variables, or compile with -ftls-model=global-dynamic", a.TLSBytes, maxStaticTLS))
		}
	}
	return nil
}

// relocationForms names the tables that the floor's ld.so on i386 ignores.
func (a *audit) relocationForms() []string {
	forms := a.presentTags(elf.DT_RELA, elf.DT_RELASZ)
	if a.hasTag(dtRelr) || a.hasTag(dtRelrsz) {
		forms = append(forms, "DT_RELR")
	}
	if kind, has := a.dyn(elf.DT_PLTREL); has && elf.DynTag(kind) != elf.DT_REL {
		forms = append(forms, "DT_PLTREL")
	}
	return forms
}

func (a *audit) relocationTable(table, size elf.DynTag) ([]byte, error) {
	addr, has := a.dyn(table)
	length, _ := a.dyn(size)
	if !has || length == 0 {
		return nil, nil
	}
	data := a.bytesAt(addr, length)
	if data == nil {
		return nil, errors.New("read the relocations of a damaged library: " + table.String() + " points outside of it")
	}
	return data, nil
}

type relocation struct{ place, info uint32 }

func (r relocation) kind() elf.R_386 { return elf.R_386(elf.R_TYPE32(r.info)) }

// relocationNames says what each relocation is for: the symbol it needs, or the
// function around it if the library still has its symbols, and the place.
func (a *audit) relocationNames(relocs []relocation) []string {
	var names []string
	functions, _ := a.Symbols()
	for _, r := range relocs[:min(len(relocs), maxPlaces)] {
		owner := ""
		if i := int(elf.R_SYM32(r.info)); i > 0 && i <= len(a.symbols) {
			owner = a.symbols[i-1].Name + " "
		} else if f := slices.IndexFunc(functions, func(s elf.Symbol) bool {
			return uint64(r.place) >= s.Value && uint64(r.place)-s.Value < s.Size
		}); f >= 0 {
			owner = "in " + functions[f].Name + " "
		}
		names = append(names, fmt.Sprintf("%s%s at %#x", owner, r.kind(), r.place))
	}
	return andMore(names, len(relocs))
}

// andMore ends a list that names only the first of many offenders.
func andMore(names []string, total int) []string {
	if extra := total - len(names); extra > 0 {
		names = append(names, fmt.Sprintf("… and %d more", extra))
	}
	return names
}
