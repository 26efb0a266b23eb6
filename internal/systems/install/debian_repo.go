package install

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/avirkit/avirkit/internal/packages"
)

// oldKeys is where apt before 1.1 looks for keys: a link there leads to the
// keyring package's file.
const oldKeys = "etc/apt/trusted.gpg.d/avirkit-archive-keyring.gpg"

func (a *apt) keyring() (path, published string) { return packages.AptKeyring, "avirkit.gpg" }

func (a *apt) subscribe(ctx context.Context, place string) error {
	option := "[signed-by=" + packages.AptKeyring + "] "
	if a.old {
		option = ""
	}
	line := fmt.Sprintf("deb %s%s/%s/apt stable main\n", option, a.k.url, place)
	if err := a.Write("etc/apt/sources.list.d/avirkit.list", line, 0o644); err != nil {
		return err
	}
	for _, dir := range []string{"var/lib/apt/lists", "var/cache/apt"} {
		if err := os.RemoveAll(a.Path(dir)); err != nil {
			return fmt.Errorf("empty apt's cache: %w", err)
		}
	}
	if err := os.MkdirAll(a.Path("var/cache/apt/archives/partial"), 0o755); err != nil {
		return fmt.Errorf("empty apt's cache: %w", err)
	}
	_, err := a.get(ctx, "update", "--error-on=any")
	return err
}

// asOfOld installs p as an administrator of Debian 6 to 8 does: from a list
// without options, with the key among apt's own, and without InRelease. Then
// apt must refuse what it refuses otherwise.
func (a *apt) asOfOld(ctx context.Context, p pkg) error {
	a.old = true
	if err := os.Symlink(packages.AptKeyring, a.Path(oldKeys)); err != nil {
		return fmt.Errorf("show the keys to an old apt: %w", err)
	}
	if err := a.subscribe(ctx, "detached"); err != nil {
		return err
	}
	if _, err := a.fetch(ctx, p); err != nil {
		return err
	}
	if err := errors.Join(p.installed(a.Root, a.k.current), a.purge(ctx, p)); err != nil {
		return err
	}
	return a.k.refusals(ctx, a, p)
}
