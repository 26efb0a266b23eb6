package repo

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/run"
)

// vouchRPM makes sure that a trusted key has signed every RPM package that was
// gathered below dir: the clients check each one's own signature.
func vouchRPM(ctx context.Context, o Options, dir string, files contents) error {
	if o.Signer == nil {
		return nil
	}
	// A database of its own, which knows only the keys that clients get.
	db, err := os.MkdirTemp("", "avirkit-rpmdb-")
	if err != nil {
		return fmt.Errorf("make a folder for rpm's database: %w", err)
	}
	defer os.RemoveAll(db)
	rpm := func(args ...string) (string, error) {
		return run.Command{Name: "rpm", Args: append([]string{"--dbpath", db}, args...), Env: []string{"LC_ALL=C"}}.Run(ctx)
	}
	_, keys, err := o.Signer.Public()
	if err != nil {
		return err
	}
	trusted := filepath.Join(db, "keys")
	if err := atomicdir.WriteFile(trusted, keys, 0o600); err != nil {
		return err
	}
	if _, err := rpm("--import", trusted); err != nil {
		return err
	}
	var paths []string
	for _, c := range channels {
		for _, place := range slices.Sorted(maps.Keys(files[c])) {
			paths = append(paths, filepath.Join(dir, c.yum(), place)) // absolute, so that none is taken for an option
		}
	}
	out, failure := rpm(append([]string{"-K", "--define", "_pkgverify_level all"}, paths...)...)
	bad := map[string][]string{}
	good := map[string]bool{}
	for line := range strings.Lines(out) {
		if file, result, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && result == "digests signatures OK" {
			good[file] = true
		}
	}
	for _, file := range paths {
		if !good[file] {
			// rpm -K tells neither which key signed nor what became of it.
			id, _ := rpm("-qp", "--nosignature", "--qf", "%{RSAHEADER:pgpsig}", file)
			who := "nobody has signed"
			if m := keyID.FindStringSubmatch(id); m != nil {
				who = o.Signer.Name(m[1]) + ", has signed"
			}
			bad[who] = append(bad[who], path.Base(file))
		}
	}
	if len(bad) > 0 {
		var lines []string
		for _, who := range slices.Sorted(maps.Keys(bad)) {
			lines = append(lines, who+" "+strings.Join(bad[who], ", "))
		}
		return fmt.Errorf("%s: a signed repository vouches for all that it holds, and clients refuse these; sign new packages with a key that clients trust, and leave published versions out with mage repo -without=VERSION",
			strings.Join(lines, "; "))
	}
	return failure
}

// keyID finds the key in what rpm says of a signature.
var keyID = regexp.MustCompile(`Key ID ([0-9a-f]{16})`)
