package repo

import (
	"fmt"
	"path/filepath"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/packages"
)

// writeSources writes the files that an administrator copies to
// /etc/apt/sources.list.d: avirkit.sources for apt 1.1 and later (Debian 9);
// avirkit.list for the same in one line; avirkit-old.list for what came before,
// where apt's own folder of keys has ours.
func writeSources(o Options, dir string) error {
	trusted, key := "", "Signed-By: "+packages.AptKeyring+"\n"
	option := "signed-by=" + packages.AptKeyring
	if o.Signer == nil {
		trusted = "# Not signed: for tests on the machine that made it.\n"
		key, option = "Trusted: yes\n", "trusted=yes"
	}
	place := fmt.Sprintf("%s/apt %s main\n", o.URL, Stable)
	for name, content := range map[string]string{
		"avirkit.sources":  trusted + fmt.Sprintf("Types: deb\nURIs: %s/apt\nSuites: %s\nComponents: main\n%s", o.URL, Stable, key),
		"avirkit.list":     trusted + "deb [" + option + "] " + place,
		"avirkit-old.list": trusted + "deb " + place,
	} {
		if err := atomicdir.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}
