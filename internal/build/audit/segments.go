package audit

import (
	"debug/elf"
	"fmt"
	"strings"
)

// segments judges how the library is mapped into the host, and how long.
func (a *audit) segments() error {
	if a.flags1()&elf.DF_1_NODELETE != 0 {
		a.Flags = append(a.Flags, "NODELETE")
	} else {
		a.add("nodelete", Error, "can be unmapped by dlclose while threads or exit handlers of it still run: link with -Wl,-z,nodelete")
	}
	var stack, relro *elf.Prog
	var writableCode []string
	for _, p := range a.Progs {
		switch p.Type {
		case elf.PT_INTERP:
			a.add("interp", Error, "names a program interpreter, as programs do: link with -shared and no -Wl,--dynamic-linker")
		case elf.PT_GNU_STACK:
			stack = p
		case elf.PT_GNU_RELRO:
			relro = p
		case elf.PT_TLS:
			a.TLSBytes = p.Memsz
		case elf.PT_LOAD:
			if p.Flags&(elf.PF_W|elf.PF_X) == elf.PF_W|elf.PF_X {
				writableCode = append(writableCode, fmt.Sprintf("%#x", p.Vaddr))
			}
		}
	}
	a.addIfAny("writable-code", Error, "has segments that are both writable and executable: look for sections with flags \"awx\" in assembler code, and for -Wl,-N", writableCode)
	if relro != nil {
		a.Flags = append(a.Flags, "RELRO")
	} else {
		a.add("relro", Error, "leaves its relocated tables writable: link with -Wl,-z,relro")
	}
	const stackRemedy = "and makes the stacks of the whole host executable: mark assembler files with .note.GNU-stack, or link with -Wl,-z,noexecstack"
	switch {
	case stack == nil:
		a.add("executable-stack", Error, "does not say that it needs no executable stack (PT_GNU_STACK) "+stackRemedy)
	case stack.Flags&elf.PF_X != 0:
		a.add("executable-stack", Error, "asks for an executable stack "+stackRemedy)
	}
	return nil
}

// sections judges what is left for debuggers.
func (a *audit) sections() error {
	var debug []string
	for _, s := range a.Sections {
		if isDebugSection(s) {
			debug = append(debug, s.Name)
		}
		if s.Name == ".gnu_debuglink" {
			if data, err := s.Data(); err == nil {
				a.Debuglink, _, _ = strings.Cut(string(data), "\x00")
			}
		}
	}
	a.Stripped = len(debug) == 0
	a.addIfAny("stripped", Error, "holds symbols or debug information: split them off with objcopy --only-keep-debug and strip --strip-all", debug)
	return nil
}
