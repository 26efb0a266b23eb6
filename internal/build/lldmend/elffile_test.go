package lldmend

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// elfFile makes the least of a 32-bit x86 ELF file that Mend reads: code with
// the symbol runtime.text at an offset, relocations against the code and,
// in a library, dynamic ones and a .got.plt. Relocations are pairs of offset
// and type.
func elfFile(kind elf.Type, code []byte, textOffset uint32, relocations, dynamic []uint32) []byte {
	const (
		iText = 1 + iota
		iRel
		iDyn
		iGot
		iSymtab
		iStrtab
		iShstrtab
		count
	)
	base := uint32(0)
	if kind == elf.ET_DYN {
		base = textAddr
	}
	rel := func(r []uint32) []byte {
		var b []byte
		for _, v := range r {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
		return b
	}
	var symtab bytes.Buffer
	_ = binary.Write(&symtab, binary.LittleEndian, []elf.Sym32{{}, {
		Name: 1, Value: base + textOffset, Info: elf.ST_INFO(elf.STB_LOCAL, elf.STT_FUNC), Shndx: iText,
	}})
	names := []byte("\x00.text\x00.rel.text\x00.rel.dyn\x00.got.plt\x00.symtab\x00.strtab\x00.shstrtab\x00")
	name := func(s string) uint32 { return uint32(bytes.Index(names, []byte("\x00"+s+"\x00"))) + 1 }

	sections := []struct {
		header elf.Section32
		data   []byte
	}{
		{},
		{elf.Section32{Name: name(".text"), Type: uint32(elf.SHT_PROGBITS), Flags: uint32(elf.SHF_ALLOC), Addr: base}, code},
		{elf.Section32{Name: name(".rel.text"), Type: uint32(elf.SHT_REL), Info: iText, Link: iSymtab}, rel(relocations)},
		{elf.Section32{Name: name(".rel.dyn"), Type: uint32(elf.SHT_REL), Flags: uint32(elf.SHF_ALLOC)}, rel(dynamic)},
		{elf.Section32{Name: name(".got.plt"), Type: uint32(elf.SHT_PROGBITS), Flags: uint32(elf.SHF_ALLOC), Addr: gotAddr}, make([]byte, 12)},
		{elf.Section32{Name: name(".symtab"), Type: uint32(elf.SHT_SYMTAB), Link: iStrtab, Entsize: 16}, symtab.Bytes()},
		{elf.Section32{Name: name(".strtab"), Type: uint32(elf.SHT_STRTAB)}, []byte("\x00" + textSymbol + "\x00")},
		{elf.Section32{Name: name(".shstrtab"), Type: uint32(elf.SHT_STRTAB)}, names},
	}
	const headerSize, sectionSize = 52, 40
	var body, table bytes.Buffer
	for i := range sections {
		s := &sections[i]
		s.header.Off = uint32(headerSize + body.Len())
		s.header.Size = uint32(len(s.data))
		body.Write(s.data)
		_ = binary.Write(&table, binary.LittleEndian, s.header)
	}
	header := elf.Header32{
		Type: uint16(kind), Machine: uint16(elf.EM_386), Version: 1,
		Shoff: uint32(headerSize + body.Len()), Ehsize: headerSize,
		Shentsize: sectionSize, Shnum: count, Shstrndx: iShstrtab,
	}
	copy(header.Ident[:], "\x7fELF\x01\x01\x01")
	var out bytes.Buffer
	_ = binary.Write(&out, binary.LittleEndian, header)
	out.Write(body.Bytes())
	out.Write(table.Bytes())
	return out.Bytes()
}
