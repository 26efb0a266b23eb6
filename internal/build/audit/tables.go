package audit

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"slices"
)

// disagree is the error for a library that shows the audit something else than
// ld.so.
func disagree(what string) error {
	return fmt.Errorf("can't be audited: its section table and its segments disagree about the %s; link it again", what)
}

// onceOnly are the tags that the audit reads and that a linker writes once.
// ld.so would take the last one, debug/elf the first.
var onceOnly = []elf.DynTag{
	elf.DT_STRTAB, elf.DT_STRSZ, elf.DT_SYMTAB, elf.DT_HASH, elf.DT_GNU_HASH, elf.DT_VERSYM, elf.DT_VERNEED, elf.DT_VERDEF,
	elf.DT_REL, elf.DT_RELSZ, elf.DT_JMPREL, elf.DT_PLTRELSZ, elf.DT_PLTREL, elf.DT_FLAGS, elf.DT_FLAGS_1, elf.DT_SONAME,
}

// consistent makes sure that the sections, which the audit reads, describe the
// tables that ld.so uses: it finds them by segments and never sees a section.
func (l *library) consistent() error {
	dynamic, symbols := l.SectionByType(elf.SHT_DYNAMIC), l.SectionByType(elf.SHT_DYNSYM)
	if dynamic == nil || symbols == nil {
		return fmt.Errorf("has no section table with a dynamic section and its symbols, so it can't be audited: strip it with strip --strip-all only")
	}
	segments := 0
	for _, p := range l.Progs {
		if p.Type == elf.PT_DYNAMIC {
			segments++
			if p.Off != dynamic.Offset || p.Filesz != dynamic.FileSize || !l.loadedFrom(p.Vaddr, p.Off) {
				return disagree("dynamic section")
			}
		}
	}
	if segments != 1 || !l.endsOnce(dynamic) {
		return disagree("dynamic section")
	}
	for _, tag := range onceOnly {
		if values, _ := l.DynValue(tag); len(values) > 1 {
			return fmt.Errorf("can't be audited: it has %d entries %s, and different programs read different ones; link it again", len(values), tag)
		}
	}
	for _, table := range []struct {
		tag     elf.DynTag
		section *elf.Section
	}{
		{elf.DT_SYMTAB, symbols},
		{elf.DT_STRTAB, l.strings(symbols)},
		{elf.DT_VERNEED, l.SectionByType(elf.SHT_GNU_VERNEED)},
		{elf.DT_VERSYM, l.SectionByType(elf.SHT_GNU_VERSYM)},
		{elf.DT_VERDEF, l.SectionByType(elf.SHT_GNU_VERDEF)},
	} {
		addr, has := l.dyn(table.tag)
		if has != (table.section != nil) || has && (table.section.Addr != addr || !l.loadedFrom(addr, table.section.Offset)) {
			return disagree(table.tag.String() + " table")
		}
	}
	names := l.strings(symbols)
	if size, _ := l.dyn(elf.DT_STRSZ); names == nil || size != names.Size {
		return disagree("DT_STRSZ table")
	}
	for _, s := range []*elf.Section{dynamic, l.SectionByType(elf.SHT_GNU_VERNEED)} {
		if s != nil && s.Link != symbols.Link {
			return disagree("DT_STRTAB table")
		}
	}
	return nil
}

// strings is the section with the names of another one's entries, or nil.
func (l *library) strings(s *elf.Section) *elf.Section {
	if int(s.Link) >= len(l.Sections) || l.Sections[s.Link].Type != elf.SHT_STRTAB {
		return nil
	}
	return l.Sections[s.Link]
}

// loadedFrom says whether the byte at an address is the one at an offset.
func (l *library) loadedFrom(addr, offset uint64) bool {
	p := l.segmentAt(addr)
	return p != nil && p.Off+addr-p.Vaddr == offset
}

// endsOnce says whether nothing follows the end of the dynamic section: ld.so
// would not see it.
func (l *library) endsOnce(dynamic *elf.Section) bool {
	data, err := dynamic.Data()
	if err != nil {
		return false
	}
	ended := false
	for ; len(data) >= 8; data = data[8:] {
		isNull := elf.DynTag(binary.LittleEndian.Uint32(data)) == elf.DT_NULL
		if ended && !isNull {
			return false
		}
		ended = ended || isNull
	}
	return ended
}

// hashesInside makes sure that a lookup by name ends at symbols of which the
// audit knows: ld.so learns of no other size of the symbol table.
func (l *library) hashesInside() error {
	count := l.SectionByType(elf.SHT_DYNSYM).Size / elf.Sym32Size
	for _, table := range []struct {
		tag    elf.DynTag
		inside func(addr, count uint64) bool
	}{{elf.DT_HASH, l.hashInside}, {elf.DT_GNU_HASH, l.gnuHashInside}} {
		if addr, has := l.dyn(table.tag); has && !table.inside(addr, count) {
			return fmt.Errorf("can't be audited: its %s table leads beyond its %d dynamic symbols; link it again", table.tag, count)
		}
	}
	return nil
}

// hashInside looks at every bucket and at the chain of every symbol.
func (l *library) hashInside(addr, count uint64) bool {
	head := l.words(addr, 2)
	if head == nil || head[0] == 0 {
		return false
	}
	indexes := l.words(addr+8, uint64(head[0])+count)
	return indexes != nil && uint64(slices.Max(indexes)) < count
}

// gnuHashInside looks at every bucket, and whether the last chain ends with
// the last symbol: the chains lie one after the other.
func (l *library) gnuHashInside(addr, count uint64) bool {
	head := l.words(addr, 4) // buckets, first symbol, words of the filter, shift
	if head == nil || head[0] == 0 {
		return false
	}
	first := uint64(head[1])
	at := addr + 16 + 4*uint64(head[2])
	buckets := l.words(at, uint64(head[0]))
	if buckets == nil {
		return false
	}
	filled := false
	for _, b := range buckets {
		if b != 0 && (uint64(b) < first || uint64(b) >= count) {
			return false
		}
		filled = filled || b != 0
	}
	if !filled {
		return true
	}
	last := l.words(at+4*uint64(head[0])+4*(count-1-first), 1)
	return last != nil && last[0]&1 != 0
}

// words reads words that are loaded at an address; nil if they aren't all.
func (l *library) words(addr, count uint64) []uint32 {
	data := l.bytesAt(addr, 4*count)
	if data == nil {
		return nil
	}
	words := make([]uint32, count)
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return words
}
