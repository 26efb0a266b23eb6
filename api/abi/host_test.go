package abi_test

import (
	"context"
	"debug/elf"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// special are the checks of testdata/host.c that tests of their own run.
var special = []string{"noinfo", "limits", "realtime"}

func TestLibrarySurvivesItsHost(t *testing.T) {
	for _, arch := range architectures(t) {
		host, library := build(t, arch)
		checks, err := exec.Command(host).Output() // its list of checks
		require.NoError(t, err)
		for _, mode := range []string{"goroutine", "inline"} {
			for _, check := range strings.Fields(string(checks)) {
				if slices.Contains(special, check) {
					continue
				}
				t.Run(arch+"/"+mode+"/"+check, func(t *testing.T) {
					run(t, mode, nil, host, library, check)
				})
			}
		}
	}
}

func TestPluginCanAskForLargerStacksOfGoThreads(t *testing.T) {
	for _, arch := range architectures(t) {
		t.Run(arch, func(t *testing.T) {
			host, library := build(t, arch, "bigstack")
			run(t, "goroutine", nil, host, library, "engine")
		})
	}
}

func TestLibraryLoadsWhenInfoLeavesItsGoroutine(t *testing.T) {
	for _, arch := range architectures(t) {
		t.Run(arch, func(t *testing.T) {
			host, library := build(t, arch)
			run(t, "goroutine", []string{"AVIR_TEST_INFO=goexit"}, host, library, "noinfo")
		})
	}
}

// What a Go runtime needs at least differs by width: 32-bit Go takes what it
// finds, 64-bit Go reserves 750 MB and writes tables of 40 MB.
func TestLibraryLoadsWithinTheHostsLimits(t *testing.T) {
	limits := map[string][][]string{
		"386": {
			{"AVIR_TEST_SPACE=150", "AVIR_TEST_LEFT=30"}, {"AVIR_TEST_SPACE=300", "AVIR_TEST_LEFT=100"},
			{"AVIR_TEST_SPACE=400", "AVIR_TEST_LEFT=100"}, {"AVIR_TEST_SPACE=600", "AVIR_TEST_LEFT=100"},
			{"AVIR_TEST_DATA=16"},
		},
		// From about 1,100 MB on Go would take 512 MB more than it needs.
		"amd64": {
			{"AVIR_TEST_SPACE=850", "AVIR_TEST_LEFT=16"}, {"AVIR_TEST_SPACE=1120"}, {"AVIR_TEST_SPACE=1180"},
			{"AVIR_TEST_SPACE=1240"}, {"AVIR_TEST_SPACE=1300"}, {"AVIR_TEST_SPACE=1400"}, {"AVIR_TEST_DATA=64"},
		},
	}
	for _, arch := range architectures(t) {
		host, library := build(t, arch)
		for _, limit := range limits[arch] {
			t.Run(arch+"/"+strings.Join(limit, ","), func(t *testing.T) {
				run(t, "goroutine", limit, host, library, "limits")
			})
		}
	}
}

func TestThreadsUnderARealTimeSchedulerShareOneProcessor(t *testing.T) {
	for _, arch := range architectures(t) {
		t.Run(arch, func(t *testing.T) {
			host, library := build(t, arch)
			out, err := exec.Command(host, library, "realtime").CombinedOutput()
			var exit *exec.ExitError
			if errors.As(err, &exit) && exit.ExitCode() == 77 {
				t.Skip("NOT TESTED: SCHED_FIFO needs root")
			}
			require.NoError(t, err, "%s", out)
		})
	}
}

func TestPoisonedEnvironmentIsHiddenFromGo(t *testing.T) {
	for _, arch := range architectures(t) {
		host, library := build(t, arch)
		for _, check := range []string{"state", "verdicts"} {
			t.Run(arch+"/"+check, func(t *testing.T) {
				poison := []string{"GOMEMLIMIT=garbage", "GODEBUG=cgocheck=2", "GOMAXPROCS=64", "GOGC=x", "GOTRACEBACK=crash"}
				run(t, "goroutine", poison, host, library, check)
			})
		}
	}
}

func TestLibraryExportsOneSymbolAndCanNotExit(t *testing.T) {
	for _, arch := range architectures(t) {
		t.Run(arch, func(t *testing.T) {
			_, library := build(t, arch)
			file, err := elf.Open(library)
			require.NoError(t, err)
			defer file.Close()
			dynamic, err := file.DynamicSymbols()
			require.NoError(t, err)
			var exported []string
			for _, symbol := range dynamic {
				if symbol.Section != elf.SHN_UNDEF {
					exported = append(exported, symbol.Name)
				}
			}
			assert.Equal(t, []string{"get_plugin_extended_iface"}, exported)
			symbols, err := file.Symbols()
			require.NoError(t, err)
			for _, symbol := range symbols {
				assert.False(t, symbol.Name == "os.Exit" || strings.HasPrefix(symbol.Name, "log.Fatal") ||
					strings.HasPrefix(symbol.Name, "log.(*Logger).Fatal"), symbol.Name)
			}
		})
	}
}

func run(t *testing.T, mode string, environment []string, host, library, check string) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, host, library, check)
	command.Env = append(os.Environ(), environment...)
	if mode == "inline" {
		command.Env = append(command.Env, "AVIR_TEST_INLINE=1")
	}
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Empty(t, string(out), "nothing may be written to the host's descriptors")
}

var built = map[string][2]string{}

// build makes the C host and the test plugin for one architecture, once for
// the same tags.
func build(t *testing.T, arch string, tags ...string) (host, library string) {
	key := strings.Join(append(tags, arch), ",")
	if paths, done := built[key]; done {
		return paths[0], paths[1]
	}
	dir, err := os.MkdirTemp("", "avir-abi-")
	require.NoError(t, err)
	cleanups = append(cleanups, dir)
	host, library = filepath.Join(dir, "host"), filepath.Join(dir, "avir_test.so")
	sources, err := filepath.Glob("testdata/*.c")
	require.NoError(t, err)
	args := append(sources, "-Wall", "-Wextra", "-Werror", "-g", "-I.", "-o", host, "-ldl", "-lpthread",
		"-rdynamic") // threads.c replaces a function for the library
	gcc(t, arch, args...)
	exports, err := filepath.Abs("exports.map")
	require.NoError(t, err)
	command := exec.Command("go", "build", "-buildmode=c-shared", "-tags="+strings.Join(append(tags, "netgo", "osusergo"), ","), "-o", library,
		"-ldflags=-linkmode=external -extldflags '-Wl,-z,defs -Wl,--version-script="+exports+"'", "./testdata/plugin")
	command.Env = append(os.Environ(), "GOTOOLCHAIN=go1.23.12", "CGO_ENABLED=1", "GOOS=linux", "GOARCH="+arch, "CC=gcc "+machine[arch])
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
	built[key] = [2]string{host, library}
	return host, library
}

var machine = map[string]string{"386": "-m32", "amd64": "-m64"}

func gcc(t *testing.T, arch string, args ...string) {
	out, err := exec.Command("gcc", append([]string{machine[arch]}, args...)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// architectures are the machine's own and the host's, 386, if the machine can
// build and run it.
func architectures(t *testing.T) []string {
	require.Equal(t, "linux", runtime.GOOS)
	all := []string{runtime.GOARCH}
	probe := filepath.Join(t.TempDir(), "probe")
	source := probe + ".c"
	require.NoError(t, os.WriteFile(source, []byte("#include <stdio.h>\nint main(void) { return puts(\"\") < 0; }\n"), 0o600))
	out, err := exec.Command("gcc", "-m32", "-o", probe, source).CombinedOutput()
	if err == nil {
		out, err = exec.Command(probe).CombinedOutput()
	}
	switch {
	case runtime.GOARCH == "386":
	case err == nil:
		all = append(all, "386")
	case os.Getenv("CI") == "true":
		require.NoError(t, err, "CI must test 386; install gcc-multilib: %s", out)
	default:
		t.Logf("NOT TESTED on 386, because this machine can't build for it (install gcc-multilib): %v %s", err, out)
	}
	return all
}

var cleanups []string

func TestMain(m *testing.M) {
	status := m.Run()
	for _, dir := range cleanups {
		_ = os.RemoveAll(dir)
	}
	os.Exit(status)
}
