package repo

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/packages/signing"
)

// keyring is where administrators of Debian 9 to 11 put the public key.
const keyring = "/usr/share/keyrings/avirkit.gpg"

// writeSources writes the files that an administrator copies to
// /etc/apt/sources.list.d: avirkit.sources, which holds the key itself, for
// apt 2.4 and later (Debian 12, Ubuntu 22.04); avirkit.list for apt 1.1 and
// later (Debian 9), with the key beside it; avirkit-old.list for what came
// before, where apt-key keeps the key.
func writeSources(o Options, dir string) error {
	trusted, key := "", "Trusted: yes\n"
	option := "trusted=yes"
	if o.Signer != nil {
		_, text, err := signing.PublicKey(o.Signer)
		if err != nil {
			return err
		}
		key = "Signed-By:\n" + indent(string(text))
		option = "signed-by=" + keyring
	} else {
		trusted = "# Not signed: for tests on the machine that made it.\n"
	}
	place := fmt.Sprintf("%s/apt %s main\n", o.URL, packages.Suite)
	for name, content := range map[string]string{
		"avirkit.sources": trusted + fmt.Sprintf("Types: deb\nURIs: %s/apt\nSuites: %s\nComponents: main\n%s",
			o.URL, packages.Suite, key),
		"avirkit.list":     trusted + "deb [" + option + "] " + place,
		"avirkit-old.list": trusted + "deb " + place,
	} {
		if err := atomicdir.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// indent writes text as the continuation lines of a field; an empty line is
// a full stop.
func indent(text string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		if line == "" {
			line = "."
		}
		b.WriteString(" " + line + "\n")
	}
	return b.String()
}
