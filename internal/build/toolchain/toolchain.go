// Package toolchain finds, or installs, the C compiler and linker that make
// code for the oldest supported systems. There are two: zig, which knows old
// glibc releases by itself but whose linker needs internal/build/lldmend for
// one platform, and Debian's gcc, which gets stub libraries to link with.
package toolchain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/versions"
)

// Names of the toolchains, as AVIR_TOOLCHAIN takes them.
const (
	Zig = "zig"
	GCC = "gcc"
)

// Toolchain is a compiler and linker for some platforms.
type Toolchain struct {
	Name    string
	Version string
	Why     string // why this one was picked, for the user

	// Tools are the versions of programs that can change while the compiler's
	// version stays.
	Tools []string

	Compilers map[*platform.Platform]*Compiler

	Path   string // of zig
	zigLib string // its library folder
	cache  string // the project's

	preparing sync.Mutex // zig's C++ library
}

// Compiler is what a toolchain uses for one platform.
type Compiler struct {
	// CC and CXX are the compiler drivers for C and C++, with the flags that
	// make them compile for the platform.
	CC, CXX []string

	// CXXRuntime links the C++ runtime into a library. It goes before LinkFlags.
	CXXRuntime []string

	// LinkFlags end every link: libraries and programs alike.
	LinkFlags []string

	// LLD says that LLD links, which does not compose relocations; see
	// internal/build/lldmend.
	LLD bool
}

// Ambient are variables by which compilers and linkers take files from folders
// of the user's choice. No compilation may get them.
var Ambient = []string{
	"CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "OBJC_INCLUDE_PATH", "LIBRARY_PATH", "LD_RUN_PATH",
	"COMPILER_PATH", "GCC_EXEC_PREFIX", "DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES",
	"CCC_OVERRIDE_OPTIONS", "LDEMULATION", "GNUTARGET", "SOURCE_DATE_EPOCH",
}

// ForGo returns a compiler driver as the go command takes it in CC and CXX.
func ForGo(driver []string) string {
	var words []string
	for _, word := range driver {
		if strings.ContainsAny(word, " \t") {
			word = "'" + word + "'" // zigAt refuses quotes
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// Env returns what the environment of the compiler must hold for a job. Jobs
// for a platform that run at the same time have different names.
func (t *Toolchain) Env(p *platform.Platform, job string) []string {
	if t.Name != Zig {
		return nil
	}
	// Without a copy zig makes all in the job's own cache, which takes longer.
	_ = t.beginCache(p, job)
	return zigEnv(zigCache(t.cache, p.Name+"-"+job), t.zigLib)
}

// String names the toolchain with its version.
func (t *Toolchain) String() string { return t.Name + " " + t.Version }

// Pick returns the toolchain called want, and installs what it lacks. An empty
// want takes the first that can be had: a zig that is there, zig through npm,
// gcc. npm can be had, too, where packages may be installed. Downloads go below
// cache.
func Pick(ctx context.Context, want, cache string, platforms ...*platform.Platform) (*Toolchain, error) {
	t, err := pick(ctx, want, cache, platforms)
	if err == nil && t.Name == Zig {
		t.zigCompilers(platforms)
	}
	return t, err
}

func pick(ctx context.Context, want, cache string, platforms []*platform.Platform) (*Toolchain, error) {
	switch want {
	case Zig:
		t, err := FindZig(ctx, cache)
		if err != nil {
			return nil, err
		}
		if t == nil {
			t, err = npmZig(ctx, cache)
		}
		return because(t, err, "AVIR_TOOLCHAIN asks for it")
	case GCC:
		t, err := debianGCC(ctx, cache, platforms)
		return because(t, err, "AVIR_TOOLCHAIN asks for it")
	case "":
		return first(ctx, cache, platforms)
	}
	return nil, fmt.Errorf("unknown toolchain %q: AVIR_TOOLCHAIN takes %s or %s, or nothing for the best that can be had", want, Zig, GCC)
}

func first(ctx context.Context, cache string, platforms []*platform.Platform) (*Toolchain, error) {
	t, zigErr := FindZig(ctx, cache)
	if zigErr != nil && os.Getenv("ZIG") != "" {
		return nil, zigErr // what the user named must not be passed over
	}
	if t != nil {
		return t, nil
	}
	if !errors.Is(zigErr, errNoExec) && (npmThere() || npmPlatform() != "" && hostdeps.MayInstall()) {
		t, err := npmZig(ctx, cache)
		if err == nil || ctx.Err() != nil {
			return because(t, err, "no zig "+versions.Zig+" in PATH, npm brings it")
		}
		zigErr = err
	} else if zigErr == nil {
		zigErr = fmt.Errorf("neither zig nor npm in PATH")
	}
	reason := strings.SplitN(zigErr.Error(), "\n", 2)[0]
	run.Printf("zig can't be had: %s", reason)
	t, err := debianGCC(ctx, cache, platforms)
	if err != nil {
		return nil, fmt.Errorf("no toolchain can be had: zig: %w; gcc: %w", zigErr, err)
	}
	return because(t, nil, "zig can't be had")
}

func because(t *Toolchain, err error, why string) (*Toolchain, error) {
	if err != nil {
		return nil, err
	}
	if t.Why != "" {
		why += "; " + t.Why
	}
	t.Why = why
	return t, nil
}
