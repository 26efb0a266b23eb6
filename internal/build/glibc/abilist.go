// Package glibc knows the symbols of the oldest C library that the plugins
// must load with.
package glibc

import (
	"bufio"
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

// ABIList is the list that the package is made of, for what depends on its
// exact content.
//
//go:embed glibc-2.11-i386.abilist
var ABIList string

// Library is one shared library of the floor's glibc.
type Library struct {
	Soname  string
	Symbols []Symbol
}

// Symbol is a function, or an object with a size.
type Symbol struct {
	Name    string
	Version string // the one that a link against the floor binds it to
	Size    string // in bytes; empty for a function
}

// Libraries returns the libraries of the floor. Callers must not change them.
var Libraries = sync.OnceValue(func() []Library {
	libs, err := parse(ABIList)
	if err != nil {
		panic("the embedded list of glibc symbols is damaged: " + err.Error()) // a test reads it
	}
	return libs
})

// homes maps a symbol's name to the libraries that have it.
var homes = sync.OnceValue(func() map[string][]string {
	m := make(map[string][]string)
	for _, l := range Libraries() {
		for _, s := range l.Symbols {
			m[s.Name] = append(m[s.Name], l.Soname)
		}
	}
	return m
})

// Homes returns the sonames of the floor's libraries that have a symbol.
func Homes(symbol string) []string { return homes()[symbol] }

// parse reads a list of "[soname]" lines, each followed by lines of "symbol
// version [size]".
func parse(text string) ([]Library, error) {
	var libs []Library
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] == '[' {
			libs = append(libs, Library{Soname: strings.Trim(line, "[]")})
			continue
		}
		f := strings.Fields(line)
		if len(f) < 2 || len(f) > 3 || len(libs) == 0 {
			return nil, fmt.Errorf("line %d is not \"symbol version [size]\" below a soname: %q", n, line)
		}
		s := Symbol{Name: f[0], Version: f[1]}
		if len(f) == 3 {
			s.Size = f[2]
		}
		l := &libs[len(libs)-1]
		l.Symbols = append(l.Symbols, s)
	}
	return libs, lines.Err()
}
