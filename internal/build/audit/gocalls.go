package audit

import (
	"bytes"
	"debug/elf"
	"debug/gosym"
	"encoding/binary"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
)

// pclntabMagic begins Go's table of functions since Go 1.20, for a processor
// with instructions of one byte and more: the magic, two zeros, 1, and the size
// of a pointer.
func (l *library) pclntabMagic() []byte {
	return []byte{0xf1, 0xff, 0xff, 0xff, 0, 0, 1, byte(l.platform.PointerSize)}
}

// maxTables bounds how much is read that only looks like a table.
const maxTables = 16

// goFunctions lists the Go functions of the library. Tracebacks need the table,
// so it survives stripping. External linkers put it in the middle of a data
// section, where only its magic shows it.
func (a *audit) goFunctions() []gosym.Func {
	magic := a.pclntabMagic()
	tables := 0
	for _, p := range a.Progs {
		if p.Type != elf.PT_LOAD {
			continue
		}
		data := a.data[p.Off : p.Off+p.Filesz]
		for at := 0; tables < maxTables; tables++ {
			i := bytes.Index(data[at:], magic)
			if i < 0 {
				break
			}
			at += i
			// The third word behind the magic is where the code starts, which
			// ld.so fills in.
			start := p.Vaddr + uint64(at) + 8 + 2*uint64(a.platform.PointerSize)
			table, err := gosym.NewTable(nil, gosym.NewLineTable(data[at:], a.pointers[start]))
			// Other data may look like a table; the runtime is always there.
			if err == nil && table.LookupFunc("runtime.goexit") != nil {
				return table.Funcs
			}
			at += len(magic)
		}
	}
	return nil
}

// forbiddenCalls names the calls of forbidden functions by functions of the
// modules that the library is built of. The standard library's own calls are
// left out: some of its packages end the process where their caller has made a
// mistake that no plugin makes by accident.
func (a *audit) forbiddenCalls(functions []gosym.Func, info *debug.BuildInfo) []string {
	forbidden := map[uint64]string{}
	for _, f := range functions {
		if slices.Contains(goForbidden, f.Name) {
			forbidden[f.Entry] = f.Name
		}
	}
	var calls []string
	for _, f := range functions {
		if !byAuthor(f.Name, info) {
			continue
		}
		code := a.bytesAt(f.Entry, f.End-f.Entry)
		for at := 0; at+5 <= len(code); at++ {
			// call REL32 and jmp REL32, which count from the next instruction.
			if code[at] != 0xe8 && code[at] != 0xe9 {
				continue
			}
			distance := int64(int32(binary.LittleEndian.Uint32(code[at+1:])))
			if name, is := forbidden[f.Entry+uint64(int64(at)+5+distance)]; is {
				calls = append(calls, name+" by "+f.Name)
			}
		}
	}
	// Whoever has a function's address may call it.
	for _, target := range a.pointers {
		if name, is := forbidden[target]; is {
			calls = append(calls, name+" through a variable")
		}
	}
	return calls
}

// byAuthor says whether a function is of one of the modules that a library was
// built of, and not of the standard library.
func byAuthor(function string, info *debug.BuildInfo) bool {
	name := strings.ReplaceAll(function, "%2e", ".")
	paths := []string{"main", info.Main.Path}
	for _, m := range info.Deps {
		paths = append(paths, m.Path)
	}
	return slices.ContainsFunc(paths, func(path string) bool {
		rest, within := strings.CutPrefix(name, path)
		return path != "" && within && (strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, "/"))
	})
}

// goCalls judges which functions the library's Go code calls.
func (a *audit) goCalls(functions []gosym.Func, info *debug.BuildInfo) {
	if functions == nil {
		a.add("go-functions", Error, "has no table of Go functions that the audit can read, so forbidden calls can't be ruled out: build it with "+a.policy.GoVersion)
		return
	}
	a.addIfAny("go-forbidden", Error, fmt.Sprintf("calls functions that end the host's process or take its signals: return errors instead, and look for packages that do without (%d functions looked at)", len(functions)),
		a.forbiddenCalls(functions, info))
}
