package repo

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/packages/signing"
	"github.com/avirkit/avirkit/internal/run"
)

// vouchRPM makes sure that the key has signed every RPM package that was
// gathered below dir: the clients check each one's own signature.
func vouchRPM(ctx context.Context, o Options, dir string, files listing) error {
	if o.Signer == nil {
		return nil
	}
	// A database of its own, which knows this key only.
	db, err := os.MkdirTemp("", "avirkit-rpmdb-")
	if err != nil {
		return fmt.Errorf("make a folder for rpm's database: %w", err)
	}
	defer os.RemoveAll(db)
	rpm := func(args ...string) (string, error) {
		return run.Command{Name: "rpm", Args: append([]string{"--dbpath", db}, args...), Env: []string{"LC_ALL=C"}}.Run(ctx)
	}
	if _, err := rpm("--import", filepath.Join(dir, keyFile)); err != nil {
		return err
	}
	var paths []string
	for _, place := range slices.Sorted(maps.Keys(files)) {
		paths = append(paths, filepath.Join(dir, rpmFormat.pool, place)) // absolute, so that none is taken for an option
	}
	out, failure := rpm(append([]string{"-K", "--define", "_pkgverify_level all"}, paths...)...)
	good := map[string]bool{}
	for line := range strings.Lines(out) {
		if file, result, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && result == "digests signatures OK" {
			good[file] = true
		}
	}
	var bad []string
	for _, file := range paths {
		if !good[file] {
			bad = append(bad, path.Base(file))
		}
	}
	if len(bad) > 0 {
		return fmt.Errorf("key %s has not signed %s: a signed repository vouches for all that it holds; sign them with that key (rpmsign --addsign), or remove them",
			signing.Fingerprint(o.Signer), strings.Join(bad, ", "))
	}
	return failure
}
