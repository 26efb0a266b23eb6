package audit

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
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
	assert.Equal(t, []string{"go-version", "go-settings", "bind-now"}, goRules(byRule))
	assert.Equal(t, []string{runtime.Version()}, byRule["go-version"].Symbols)
	assert.Contains(t, byRule["go-version"].Message, "was built by "+runtime.Version()+", whose runtime is not known to run on Linux 2.6.32: build it with GOTOOLCHAIN=go1.23.12")
	assert.Equal(t, []string{`-tags=netgo`, `-tags=osusergo`, `-trimpath=true (is "")`}, byRule["go-settings"].Symbols)
	assert.ErrorContains(t, report.Err(), "[go-version] was built by")
}

func TestForbiddenCallsAreFoundInAStrippedLibrary(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t on) {
		_, byRule := findings(t, goPlugin(t, "bad", policy.GoVersion, goodFlags...))
		assert.Equal(t, []string{"go-forbidden"}, goRules(byRule))
		const entry = "main.get_plugin_extended_iface"
		assert.Equal(t, []string{
			"log.(*Logger).Fatalf by " + entry, "log.Fatal by " + entry, "os.Exit by " + entry,
			"os.Exit by main.later.deferwrap1", "os/signal.Notify by " + entry, "syscall.Exit through a variable",
		}, byRule["go-forbidden"].Symbols)
	})
}

func TestWhatTheStandardLibraryCallsByItselfIsNoFault(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t on) {
		path := goPlugin(t, "http", policy.GoVersion, goodFlags...)
		_, byRule := findings(t, path)
		assert.Empty(t, goRules(byRule))
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Contains(t, string(data), "log.Fatalf", "net/http links it; else this test shows nothing")
	})
}

func TestAFunctionIsItsModulesOrTheStandardLibrarys(t *testing.T) {
	info := &debug.BuildInfo{Main: debug.Module{Path: "mine"}, Deps: []*debug.Module{{Path: "gopkg.in/yaml.v3"}, {Path: "example.org/x"}}}
	for name, want := range map[string]bool{
		"main.main": true, "main.f.func1": true, "mine/engine.Scan": true, "gopkg.in/yaml%2ev3.Unmarshal": true,
		"example.org/x/y.(*T).Close": true,
		"net/http.(*Server).Serve":   false, "log.Fatal": false, "minerals.Dig": false, "vendor/golang.org/x/net/dns.Parse": false,
	} {
		assert.Equal(t, want, byAuthor(name, info), name)
	}
}

func TestGoLibraryThatMissesItsThreadLocalSlotIsRefused(t *testing.T) {
	t.Parallel()
	path := patched(t, goPlugin(t, "good", policy.GoVersion, goodFlags...), func(data []byte, file *elf.File) {
		a := &audit{library: &library{File: file, data: data, platform: platform.All[0]}}
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

func TestGoLibraryWhoseFunctionsCantBeReadIsRefused(t *testing.T) {
	t.Parallel()
	good := goPlugin(t, "good", policy.GoVersion, goodFlags...)
	_, byRule := findings(t, patched(t, good, func(data []byte, _ *elf.File) {
		magic := (&library{platform: platform.All[0]}).pclntabMagic()
		for at := bytes.Index(data, magic); at >= 0; at = bytes.Index(data, magic) {
			data[at]++
		}
	}))
	assert.Equal(t, []string{"go-functions"}, goRules(byRule))
}

func TestGoLibraryWithoutKnownAccessesToItsThreadLocalSlotIsRefused(t *testing.T) {
	t.Parallel()
	good := goPlugin(t, "good", policy.GoVersion, goodFlags...)
	_, byRule := findings(t, patched(t, good, func(data []byte, file *elf.File) {
		a := &audit{library: &library{File: file, data: data, platform: platform.All[0]}}
		text := file.Section(".text")
		for at := text.Offset; at+tlsAccess <= text.Offset+text.Size; at++ {
			if _, ok := a.tlsSlot(data[at:at+tlsAccess], uint32(text.Addr+at-text.Offset)); ok {
				data[at+11] = 0x64 // %fs instead of %gs
			}
		}
	}))
	assert.Equal(t, []string{"go-tls"}, goRules(byRule))
	assert.Contains(t, byRule["go-tls"].Message, "has none of the accesses")
}
