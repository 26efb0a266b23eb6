package repo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/packages/signing"
	"github.com/avirkit/avirkit/internal/run"
)

// vouch makes sure that the key has signed every RPM package in dir: the
// signed index says so of all that it lists.
func vouch(ctx context.Context, o Options, dir string) error {
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
		return run.Command{Name: "rpm", Args: append([]string{"--dbpath", db}, args...), Dir: dir, Env: []string{"LC_ALL=C"}}.Run(ctx)
	}
	if _, err := rpm("--import", filepath.Join("..", keyFile)); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.rpm"))
	if err != nil {
		return err
	}
	for i := range files {
		files[i] = strings.TrimPrefix(files[i], dir+"/")
	}
	out, err := rpm(append([]string{"-K", "--define", "_pkgverify_level all"}, files...)...)
	if err == nil {
		return nil
	}
	var bad []string
	for line := range strings.Lines(out) {
		if file, result, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && strings.HasSuffix(result, "NOT OK") {
			bad = append(bad, filepath.Base(file))
		}
	}
	if len(bad) == 0 {
		return err
	}
	return fmt.Errorf("key %s has not signed %s: a signed repository vouches for all that it holds; remove them from %s, or sign them with that key (rpmsign --addsign)",
		signing.Fingerprint(o.Signer), strings.Join(bad, ", "), o.source())
}

// source names where the packages come from.
func (o Options) source() string {
	if o.Published == "" {
		return o.Packages
	}
	return o.Packages + " or " + o.Published
}
