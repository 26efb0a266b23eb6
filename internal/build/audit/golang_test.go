package audit

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/platform"
)

// goPlugin builds one of testdata/goplugin with a Go toolchain, stripped and
// against the machine's own glibc: only what the Go rules say is looked at.
func goPlugin(t testing.TB, name, toolchain string, flags ...string) string {
	t.Helper()
	p := platformOf(t)
	require.NoError(t, compiles())
	path := filepath.Join(t.TempDir(), "avir_test.so")
	args := append([]string{"build", "-buildmode=c-shared", "-buildvcs=false", "-o", path}, flags...)
	cmd := exec.Command("go", append(args, "./"+name)...)
	cmd.Dir = filepath.Join("testdata", "goplugin")
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+toolchain, "GOOS=linux", "GOARCH="+p.GOARCH, "CGO_ENABLED=1", "CC=gcc "+p.GCCFlag, "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "go %q: %s", args, out)
	return path
}

var goodFlags = []string{"-trimpath", "-tags=netgo,osusergo", "-ldflags=-s -w -bindnow"}

// goRules are the rules that this file is about.
func goRules(byRule map[string]Finding) (names []string) {
	for _, name := range []string{"go-build", "go-version", "go-settings", "go-functions", "go-forbidden", "go-tls", "nodelete", "kernel-unknown", "static-tls", "stripped", "bind-now"} {
		if _, ok := byRule[name]; ok {
			names = append(names, name)
		}
	}
	return names
}

func TestGoLibraryBuiltAsPluginsAreKeepsTheGoRules(t *testing.T) {
	t.Parallel()
	everywhere(t, testGoLibraryBuiltAsPluginsAre)
}

func testGoLibraryBuiltAsPluginsAre(t on) {
	report, byRule := findings(t, goPlugin(t, "good", policy.GoVersion, goodFlags...))
	assert.Empty(t, goRules(byRule))
	assert.Equal(t, policy.GoVersion, report.Go.Version)
	assert.Equal(t, t.platform.GOARCH, report.Go.Settings["GOARCH"])
	assert.Subset(t, report.Flags, []string{"BIND_NOW", "NODELETE", "RELRO", "STATIC_TLS"})
	assert.NotContains(t, report.Flags, "TEXTREL")
	assert.EqualValues(t, t.platform.PointerSize, report.TLSBytes)
	assert.True(t, report.Stripped)
	// The linker script of the product's build is not part of this one.
	assert.Contains(t, byRule["extra-export"].Symbols, "crosscall2")
}

func TestGoLibraryBuiltByAnotherGoIsRefused(t *testing.T) {
	t.Parallel()
	report, byRule := findings(t, goPlugin(t, "bad", "local", "-ldflags=-s -w"))
	require.NotEqual(t, policy.GoVersion, runtime.Version(), "this test needs the tooling's own, newer Go")
	assert.Equal(t, []string{"go-version", "go-settings", "go-forbidden", "bind-now"}, goRules(byRule))
	assert.Equal(t, []string{runtime.Version()}, byRule["go-version"].Symbols)
	assert.Contains(t, byRule["go-version"].Message, "was built by "+runtime.Version()+", whose runtime is not known to run on Linux 2.6.32: build it with GOTOOLCHAIN=go1.23.12")
	assert.Equal(t, []string{`-tags=netgo`, `-tags=osusergo`, `-trimpath=true (is "")`}, byRule["go-settings"].Symbols)
	assert.ErrorContains(t, report.Err(), "[go-version] was built by")
}

func TestForbiddenGoFunctionsAreFoundInAStrippedLibrary(t *testing.T) {
	t.Parallel()
	_, byRule := findings(t, goPlugin(t, "bad", policy.GoVersion, goodFlags...))
	assert.Equal(t, []string{"go-forbidden"}, goRules(byRule))
	assert.Equal(t, []string{"log.(*Logger).Fatalf", "log.Fatal", "os.Exit", "os/signal.Notify", "syscall.Exit"}, byRule["go-forbidden"].Symbols)
}

func TestGoLibraryThatMissesItsThreadLocalSlotIsRefused(t *testing.T) {
	t.Parallel()
	path := patched(t, goPlugin(t, "good", policy.GoVersion, goodFlags...), func(data []byte, file *elf.File) {
		a := &audit{library: &library{File: file, data: data}}
		text := file.Section(".text")
		for at := text.Offset; at < text.Offset+text.Size; at++ {
			addr := uint32(text.Addr + at - text.Offset)
			if slot, ok := a.tlsSlot(data[at:at+tlsAccess], addr); ok {
				// What LLD leaves for the linker's addend of 2.
				binary.LittleEndian.PutUint32(data[at+7:], slot+2-uint32(file.Section(".got").Addr))
				return
			}
		}
	})
	_, byRule := findings(t, path)
	assert.Equal(t, []string{"go-tls"}, goRules(byRule))
	assert.Regexp(t, `^misses Go's thread-local slot at 1 of \d{3,} places`, byRule["go-tls"].Message)
	require.Len(t, byRule["go-tls"].Symbols, 1)
	assert.Regexp(t, `^0x[0-9a-f]+ takes it from 0x[0-9a-f]+$`, byRule["go-tls"].Symbols[0])
}

func TestFunctionTableIsTakenOnlyIfItIsOne(t *testing.T) {
	l := loaded(nil)
	pclntabHeader := uint32(l.pclntabHeader())
	table := func(count, begin, end uint32, names string) []byte {
		data := l.pclntabMagic()
		for _, word := range []uint32{count, 0, 0, begin, end, 0, 0, 0} {
			data = binary.LittleEndian.AppendUint32(data, word)
		}
		return append(data, names...)
	}
	const names = "\x00runtime.goexit\x00os.Exit\x00"
	end := pclntabHeader + uint32(len(names))
	tests := []struct {
		name  string
		table []byte
		is    bool
	}{
		{"a table", table(2, pclntabHeader, end, names), true},
		{"the magic alone", l.pclntabMagic(), false},
		{"no functions", table(0, pclntabHeader, end, names), false},
		{"names inside of the header", table(2, 0, end, names), false},
		{"names that end before they begin", table(2, end, pclntabHeader, names), false},
		{"names beyond the segment", table(2, pclntabHeader, end+1, names), false},
		{"names without the runtime", table(2, pclntabHeader, end-21, names), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			functions, is, err := loaded(tt.table).goFunctions()
			require.NoError(t, err)
			assert.Equal(t, tt.is, is)
			if tt.is {
				assert.Contains(t, functions, "os.Exit")
			}
		})
	}
	t.Run("a table after a decoy", func(t *testing.T) {
		const decoy = "\x00runtime.goexit\x00"
		first := table(2, pclntabHeader, pclntabHeader+uint32(len(decoy)), decoy)
		functions, _, err := loaded(append(first, table(2, pclntabHeader, end, names)...)).goFunctions()
		require.NoError(t, err)
		assert.Contains(t, functions, "os.Exit")
	})
	t.Run("too many to read them all", func(t *testing.T) {
		_, _, err := loaded(bytes.Repeat(table(2, pclntabHeader, end-21, names), maxTables+1)).goFunctions()
		assert.ErrorContains(t, err, "more than 16 tables")
	})
}

// loaded is a library whose only segment holds data.
func loaded(data []byte) *library {
	segment := &elf.Prog{ProgHeader: elf.ProgHeader{Type: elf.PT_LOAD, Filesz: uint64(len(data)), Memsz: uint64(len(data))}}
	return &library{File: &elf.File{Progs: []*elf.Prog{segment}}, data: data, platform: platform.All[0]}
}
