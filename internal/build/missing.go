package build

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/build/toolchain"
)

// missingSymbol finds the names of C that gcc, zig and their linkers miss. What
// has parentheses or colons behind it is a name of C++.
var missingSymbol = regexp.MustCompile("(?:undefined reference to|undefined symbol:|error: (?:implicit declaration of function|call to undeclared (?:library )?function|use of undeclared identifier)) ?[`'\"‘]?([A-Za-z_]\\w*)(?:['\"’\\s;]|$)" +
	"|error: ['‘](\\w+)['’] was not declared in this scope")

// explainMissing adds to a compiler's or linker's error which of the names that
// it misses the oldest supported C library does not have.
func (t *target) explainMissing(err error) error {
	if err == nil {
		return nil
	}
	var names []string
	for _, m := range missingSymbol.FindAllStringSubmatch(err.Error(), -1) {
		name := m[1] + m[2]
		has := len(t.platform.Glibc().Homes(name)) > 0 || toolchain.InStaticPart(name)
		if !has && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return err
	}
	return fmt.Errorf("%w\n%s is not in glibc %s, the oldest supported: do without it, or, if it is no function of the C library, name the source or static archive that has it in %s",
		err, strings.Join(names, ", "), t.platform.GlibcFloor, FlagsFile)
}
