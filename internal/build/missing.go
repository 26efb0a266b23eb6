package build

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/build/glibc"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/build/toolchain"
)

// What compilers and linkers say of names that they don't know, of C and of C++,
// where parentheses or colons follow.
var (
	undefined  = regexp.MustCompile("(?:undefined reference to|undefined symbol:) [`'\"]?([A-Za-z_]\\w*)(?:['\"\\n;]|$)")
	ofCXX      = regexp.MustCompile("(?:undefined reference to|undefined symbol:) [`'\"]?([^\n`'\"]*(?:::|\\()[^\n`'\"]*)")
	sanitizer  = regexp.MustCompile("^__(ubsan|asan|tsan|msan|sanitizer)_")
	undeclared = regexp.MustCompile("error: (?:implicit declaration of function |call to undeclared (?:library )?function |use of undeclared identifier )?['‘](\\w+)['’]( was not declared|;|$| \\[|\n)")
)

// simpleNames are what the author of a plugin on the simple API defines.
var simpleNames = []string{"plugin_config", "CONFIG_SIZE", "pluginInit", "pluginClose", "threadInit", "threadClose", "testFile"}

// explainMissing adds to a compiler's or linker's error which of the names that
// it misses the oldest supported C library lacks, and this machine's own has.
func (t *target) explainMissing(err error) error {
	if err == nil {
		return nil
	}
	var newer, own, checks, unknown []string
	note := func(names *[]string, name string) {
		if !slices.Contains(*names, name) && len(t.platform.Glibc().Homes(name)) == 0 && !toolchain.InStaticPart(name) {
			*names = append(*names, name)
		}
	}
	here := hostGlibc()
	text := err.Error()
	for _, m := range slices.Concat(undefined.FindAllStringSubmatch(text, -1), undeclared.FindAllStringSubmatch(text, -1)) {
		switch name := m[1]; {
		case slices.Contains(here, name):
			note(&newer, name)
		case slices.Contains(simpleNames, name):
			note(&own, name)
		case sanitizer.MatchString(name):
			note(&checks, name)
		case len(m) == 2:
			note(&unknown, name)
		}
	}
	if len(newer) > 0 {
		err = fmt.Errorf("%w\n%s: glibc %s, the oldest supported, lacks it: do without", err, strings.Join(newer, ", "), t.platform.GlibcFloor)
	}
	if len(own) > 0 {
		err = fmt.Errorf("%w\n%s: the plugin's own sources define it, with exactly the parameters in avPlugin.h", err, strings.Join(own, ", "))
	}
	if len(checks) > 0 {
		err = fmt.Errorf("%w\n%s: checks of a sanitizer, which zig adds without -O: compile the archive with -O2 and -fno-sanitize=all", err, strings.Join(checks, ", "))
	}
	for _, m := range ofCXX.FindAllStringSubmatch(text, -1) {
		if strings.Contains(m[1], "std::") {
			other := toolchain.Zig
			if t.tc.Name == toolchain.Zig {
				other = toolchain.GCC
			}
			err = fmt.Errorf("%w\n%s: an archive that was made with another C++ library than %s's names it otherwise: set AVIR_TOOLCHAIN=%s", err, m[1], t.tc.Name, other)
			break
		}
	}
	if strings.Contains(text, "replacement directory") {
		err = fmt.Errorf("%w\nwhere this checkout is now: go mod edit -replace=github.com/avirkit/avirkit/api=%s", err, filepath.Join(t.Root, "api"))
	}
	if len(unknown) > 0 {
		err = fmt.Errorf("%w\n%s: no source and no archive has it: name one that does in %s", err, strings.Join(unknown, ", "), FlagsFile)
	}
	return err
}

// hostGlibc lists what this machine's C library has, as far as that can be read.
func hostGlibc() (names []string) {
	folder, err := platform.Native().LibraryFolder()
	if err != nil {
		return nil
	}
	symbols, _ := glibc.Defined(filepath.Join(folder, "libc.so.6"))
	for _, s := range symbols {
		names = append(names, s.Name)
	}
	return names
}
