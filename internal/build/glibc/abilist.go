// Package glibc knows the symbols of the oldest C library that the plugins
// must load with. Each platform has a list of its own.
package glibc

import (
	"bufio"
	"debug/elf"
	"embed"
	"fmt"
	"strings"
	"sync"
)

//go:embed *.abilist
var lists embed.FS

// ABI is what the C library of one platform offers.
type ABI struct {
	Libraries []Library // callers must not change them

	// Text is the list that the rest was read from, for what depends on its
	// exact content.
	Text string

	homes map[string][]string // symbol to sonames
}

// Library is one shared library of the C library.
type Library struct {
	Soname  string
	Symbols []Symbol
}

// Symbol is a function, or an object with a size.
type Symbol struct {
	Name    string
	Version string // to which a link against the floor binds the name
	Size    string // in bytes; empty for a function
}

// Defined returns the symbols that a library defines, without their sizes.
func Defined(library string) (symbols []Symbol, err error) {
	f, err := elf.Open(library)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := f.DynamicSymbols()
	for _, s := range all {
		if s.Section != elf.SHN_UNDEF {
			symbols = append(symbols, Symbol{Name: s.Name, Version: s.Version})
		}
	}
	return symbols, err
}

// Homes returns the sonames of the libraries that have a symbol.
func (a *ABI) Homes(symbol string) []string { return a.homes[symbol] }

// Sonames returns the names of all libraries, as ld.so takes them.
func (a *ABI) Sonames() (names []string) {
	for _, l := range a.Libraries {
		names = append(names, l.Soname)
	}
	return names
}

var read sync.Map // file name to *ABI

// List returns the list in a file of this folder, such as
// glibc-2.11-i386.abilist. It panics if the file is missing or damaged, which a
// test rules out for each platform.
func List(file string) *ABI {
	if a, ok := read.Load(file); ok {
		return a.(*ABI)
	}
	text, err := lists.ReadFile(file)
	if err != nil {
		panic("no such list of glibc symbols: " + err.Error())
	}
	a, err := parse(string(text))
	if err != nil {
		panic(fmt.Sprintf("the list of glibc symbols in %s: %v", file, err))
	}
	read.Store(file, a)
	return a
}

// parse reads a list of "[soname]" lines, each followed by lines of "symbol
// version [size]".
func parse(text string) (*ABI, error) {
	a := &ABI{Text: text, homes: map[string][]string{}}
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] == '[' {
			a.Libraries = append(a.Libraries, Library{Soname: strings.Trim(line, "[]")})
			continue
		}
		f := strings.Fields(line)
		if len(f) < 2 || len(f) > 3 || len(a.Libraries) == 0 {
			return nil, fmt.Errorf("line %d is not \"symbol version [size]\" below a soname: %q", n, line)
		}
		s := Symbol{Name: f[0], Version: f[1]}
		if len(f) == 3 {
			s.Size = f[2]
		}
		l := &a.Libraries[len(a.Libraries)-1]
		l.Symbols = append(l.Symbols, s)
		a.homes[s.Name] = append(a.homes[s.Name], l.Soname)
	}
	return a, lines.Err()
}
