package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// calls is a library that says, when it is loaded, which of some system calls
// the kernel doesn't have. All get arguments with which nothing happens.
const calls = `
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static void try(const char *name, long number) {
    int missing = syscall(number, -1L, -1L, -1L, -1L, -1L, -1L) < 0 && errno == ENOSYS;
    fprintf(stderr, "%s %s\n", name, missing ? "missing" : "there");
}

__attribute__((constructor)) static void load(void) {
#ifdef __x86_64__
    int result;
    try("perf_event_open", 298), try("recvmmsg", 299), try("prlimit64", 302), try("finit_module", 313), try("getrandom", 318);
    try("getpid of x32", 0x40000000 | 39);
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(355), "b"(0), "c"(0), "d"(0) : "memory");
    fprintf(stderr, "32-bit getrandom %s\n", result == -ENOSYS ? "missing" : "there");
#else
    try("perf_event_open", 336), try("recvmmsg", 337), try("prlimit64", 340), try("finit_module", 350), try("getrandom", 355);
#endif
}
`

func TestTheKernelFloorHidesNoCallThatTheOldKernelHasAndEachThatItLacks(t *testing.T) {
	onEachPlatform(t, func(t *testing.T, b *bench) {
		source, library := filepath.Join(b.dir, "calls.c"), filepath.Join(b.dir, "calls.so")
		require.NoError(t, os.WriteFile(source, []byte(calls), 0o600))
		require.NoError(t, b.compile(t, library, "-shared", "-fPIC", source))
		there := func(floor ...string) (names []string) {
			_, errors, _ := output(t, b.dir, "", filepath.Join(b.dir, "avserver"), append(floor, "--plugin", library, "--info")...)
			require.Contains(t, errors, "getrandom", "the library was not loaded")
			for _, line := range strings.Split(errors, "\n") {
				if name, found := strings.CutSuffix(line, " there"); found {
					names = append(names, name)
				}
			}
			return names
		}
		today := there() // some kernels are built without some calls
		require.Contains(t, today, "getrandom")
		for floor, has := range map[string][]string{
			"2.6.32": {"perf_event_open"},
			"3.2":    {"perf_event_open", "recvmmsg", "prlimit64"},
			"3.10":   {"perf_event_open", "recvmmsg", "prlimit64", "finit_module"},
		} {
			want := slices.DeleteFunc(has, func(name string) bool { return !slices.Contains(today, name) })
			assert.Equal(t, want, there("--kernel-floor", floor), floor)
		}
	})
}
