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

// What compilers and linkers say of names of C that they don't know. What has
// parentheses or colons behind it is a name of C++.
var (
	undefined  = regexp.MustCompile("(?:undefined reference to|undefined symbol:) [`'\"]?([A-Za-z_]\\w*)(?:['\"\\s;]|$)")
	undeclared = regexp.MustCompile("error: (?:implicit declaration of function |call to undeclared (?:library )?function |use of undeclared identifier )?['‘](\\w+)['’]( was not declared|;|$| \\[|\n)")
)

// explainMissing adds to a compiler's or linker's error which of the names that
// it misses the oldest supported C library lacks, and this machine's own has.
func (t *target) explainMissing(err error) error {
	if err == nil {
		return nil
	}
	var newer, unknown []string
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
		case len(m) == 2:
			note(&unknown, name)
		}
	}
	if len(newer) > 0 {
		err = fmt.Errorf("%w\n%s: glibc %s, the oldest supported, lacks it: do without", err, strings.Join(newer, ", "), t.platform.GlibcFloor)
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
