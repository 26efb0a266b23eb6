package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/packages"
)

// What an administrator copies from a repository, and where to.
var (
	setupOfToday = map[string]string{"apt/avirkit.sources": "etc/apt/sources.list.d/avirkit.sources", "avirkit.gpg": packages.AptKeyring}
	setupOf11    = map[string]string{"apt/avirkit.list": "etc/apt/sources.list.d/avirkit.list", "avirkit.gpg": packages.AptKeyring}
	setupOfOld   = map[string]string{"apt/avirkit-old.list": "etc/apt/sources.list.d/avirkit.list", "avirkit.gpg": packages.AptKeyring}
)

// oldKeys is where apt before 1.1 looks for keys: a link there leads to the
// keyring package's file.
const oldKeys = "etc/apt/trusted.gpg.d/avirkit-archive-keyring.gpg"

// use gives apt the files that an administrator of this system copies from a
// repository of the kit, but with the place of another one: the changed
// copies name the original's.
func (a *apt) use(files, place string) error {
	for _, old := range []string{
		"etc/apt/sources.list", "etc/apt/sources.list.d", packages.AptKeyring, oldKeys,
	} {
		if err := os.RemoveAll(a.Path(old)); err != nil {
			return fmt.Errorf("clear apt's sources: %w", err)
		}
	}
	if a.setup["apt/avirkit-old.list"] != "" {
		if err := os.Symlink(packages.AptKeyring, a.Path(oldKeys)); err != nil {
			return fmt.Errorf("show the keys to an old apt: %w", err)
		}
	}
	for from, to := range a.setup {
		data, err := os.ReadFile(filepath.Join(a.k.dir, files, from))
		if err != nil {
			return fmt.Errorf("read the repository's file: %w", err)
		}
		text := strings.ReplaceAll(string(data), a.k.url+"/good/", a.k.url+"/"+place+"/")
		if err := atomicdir.WriteFile(a.Path(to), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// update lets apt read the repository's index, from nothing.
func (a *apt) update(ctx context.Context) (string, error) {
	for _, dir := range []string{"var/lib/apt/lists", "var/cache/apt"} {
		if err := os.RemoveAll(a.Path(dir)); err != nil {
			return "", fmt.Errorf("empty apt's cache: %w", err)
		}
	}
	if err := os.MkdirAll(a.Path("var/cache/apt/archives/partial"), 0o755); err != nil {
		return "", fmt.Errorf("empty apt's cache: %w", err)
	}
	return a.get(ctx, "update", "--error-on=any")
}

// refusals: apt refuses what the repository's owner did not sign.
func (a *apt) refusals(ctx context.Context, p pkg) error {
	for _, r := range []struct{ name, what, why string }{
		{"stranger", "a repository that another key signed", "signature"},
		{"tampered-index", "an index that was changed after it was signed", "signature"},
		{"detached-tampered", "an index without InRelease that was changed after it was signed", "signature"},
		{"tampered-lists", "a list of packages that was changed", "Hash Sum mismatch"},
	} {
		if err := a.use("good", r.name); err != nil {
			return err
		}
		out, err := a.update(ctx)
		if err == nil {
			return fmt.Errorf("apt-get update takes %s:\n%s", r.what, out)
		}
		if !strings.Contains(err.Error(), r.why) {
			return fmt.Errorf("apt-get update refuses %s, but not for its %s: %w", r.what, r.why, err)
		}
		if _, err := a.fetch(ctx, p); err == nil {
			return fmt.Errorf("apt-get install takes a package from %s", r.what)
		}
	}
	if err := a.use("good", "tampered-package"); err != nil {
		return err
	}
	if _, err := a.update(ctx); err != nil {
		return fmt.Errorf("the index of the changed packages is good: %w", err)
	}
	_, err := a.fetch(ctx, p)
	if err == nil {
		return errors.New("apt-get install takes a changed package")
	}
	if !strings.Contains(err.Error(), "Hash Sum mismatch") {
		return fmt.Errorf("apt-get install refuses the changed package, but not for its digest: %w", err)
	}
	return nil
}

// asOfOld installs p as an administrator of Debian 6 to 8 does: from a list
// without options, with the key among apt's own, and without InRelease. Then
// apt must refuse what it refuses otherwise.
func (a *apt) asOfOld(ctx context.Context, p pkg) error {
	a.setup = setupOfOld
	if err := a.use("good", "detached"); err != nil {
		return err
	}
	if _, err := a.update(ctx); err != nil {
		return err
	}
	if _, err := a.fetch(ctx, p); err != nil {
		return err
	}
	if err := errors.Join(p.installed(a.Root, a.k.current), a.purge(ctx, p)); err != nil {
		return err
	}
	return a.refusals(ctx, p)
}
