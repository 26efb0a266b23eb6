package audit

import (
	"debug/elf"
	"errors"
	"fmt"
	"slices"
)

// maxPlaces is how many places of one kind a finding names.
const maxPlaces = 20

// relocations judges every relocation that ld.so will apply.
func (a *audit) relocations() error {
	a.addIfAny("packed-relocations", Error, "has relocations in a form that glibc "+a.platform.GlibcFloor+" does not know: link with -Wl,-z,nopack-relative-relocs, and with the linker's usual form of relocations",
		a.relocationForms())

	var unknown, text []relocation
	known := a.platform.Relocations
	staticTLS := a.flags()&elf.DF_STATIC_TLS != 0
	all, err := a.dynamicRelocations()
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.kind == known.None {
			continue
		}
		staticTLS = staticTLS || slices.Contains(known.StaticTLS, r.kind)
		switch r.kind {
		case known.TLSOffset:
			a.tlsSlots[r.place] = true
		case known.Relative:
			a.pointers[r.place] = r.addend
		}
		if !slices.Contains(known.Known, r.kind) {
			unknown = append(unknown, r)
		}
		if p := a.segmentAt(r.place); p == nil || p.Flags&elf.PF_W == 0 {
			text = append(text, r)
		}
	}
	a.addIfAny("relocations", Error, "has relocations that ld.so of glibc "+a.platform.GlibcFloor+" does not apply to a library", a.relocationNames(unknown))
	if a.flags()&elf.DF_TEXTREL != 0 || a.hasTag(elf.DT_TEXTREL) || len(text) > 0 {
		a.Flags = append(a.Flags, "TEXTREL")
		a.add("textrel", Error, "needs its code patched while it is loaded, which SELinux forbids: compile all C and assembler code with -fPIC", a.relocationNames(text)...)
	}
	if staticTLS {
		a.Flags = append(a.Flags, "STATIC_TLS")
		if a.TLSBytes > maxStaticTLS {
			a.add("static-tls", Error, fmt.Sprintf("takes %d bytes of static TLS, and a library loaded late may count on %d: use fewer __thread and thread_local variables, or allocate what they hold; in C and C++ without Go, -ftls-model=global-dynamic is enough", a.TLSBytes, maxStaticTLS))
		}
	}
	return nil
}

// relocationTags returns the tags of the platform's tables of relocations, the
// tags of the form that the platform does not use, and what DT_PLTREL must be.
func (a *audit) relocationTags() (tables [][2]elf.DynTag, other []elf.DynTag, form elf.DynTag) {
	rel, rela := []elf.DynTag{elf.DT_REL, elf.DT_RELSZ}, []elf.DynTag{elf.DT_RELA, elf.DT_RELASZ}
	if a.platform.Relocations.Addends {
		rel, rela = rela, rel
	}
	return [][2]elf.DynTag{{rel[0], rel[1]}, {elf.DT_JMPREL, elf.DT_PLTRELSZ}}, rela, rel[0]
}

// relocationForms names the tables that the floor's ld.so does not know, or
// ignores on this platform.
func (a *audit) relocationForms() []string {
	_, other, form := a.relocationTags()
	forms := a.presentTags(other...)
	if a.hasTag(dtRelr) || a.hasTag(dtRelrsz) {
		forms = append(forms, "DT_RELR")
	}
	if kind, has := a.dyn(elf.DT_PLTREL); has && elf.DynTag(kind) != form {
		forms = append(forms, "DT_PLTREL")
	}
	return forms
}

// relocation is an entry of a table of relocations.
type relocation struct {
	place  uint64 // the address that ld.so changes
	kind   uint32
	symbol uint32 // its number among the dynamic symbols
	addend uint64
}

// dynamicRelocations reads all that ld.so applies.
func (a *audit) dynamicRelocations() (all []relocation, err error) {
	word := a.platform.PointerSize
	size := 2 * word
	if a.platform.Relocations.Addends {
		size = 3 * word
	}
	tables, _, _ := a.relocationTags()
	for _, table := range tables {
		data, err := a.relocationTable(table[0], table[1])
		if err != nil {
			return nil, err
		}
		for ; len(data) >= size; data = data[size:] {
			r := relocation{place: a.word(data)}
			if info := a.word(data[word:]); word == 8 {
				r.kind, r.symbol = elf.R_TYPE64(info), elf.R_SYM64(info)
			} else {
				r.kind, r.symbol = elf.R_TYPE32(uint32(info)), elf.R_SYM32(uint32(info))
			}
			if a.platform.Relocations.Addends {
				r.addend = a.word(data[2*word:])
			} else if at := a.bytesAt(r.place, uint64(word)); at != nil {
				r.addend = a.word(at)
			}
			all = append(all, r)
		}
	}
	return all, nil
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

// relocationNames says what each relocation is for: the symbol it needs, or the
// function around it if the library still has its symbols, and the place.
func (a *audit) relocationNames(relocs []relocation) []string {
	var names []string
	functions, _ := a.Symbols()
	for _, r := range relocs[:min(len(relocs), maxPlaces)] {
		owner := ""
		if i := int(r.symbol); i > 0 && i <= len(a.symbols) {
			owner = a.symbols[i-1].Name + " "
		} else if f := slices.IndexFunc(functions, func(s elf.Symbol) bool {
			return r.place >= s.Value && r.place-s.Value < s.Size
		}); f >= 0 {
			owner = "in " + functions[f].Name + " "
		}
		names = append(names, fmt.Sprintf("%s%s at %#x", owner, a.platform.Relocations.Name(r.kind), r.place))
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
