package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/packages/repo"
	"github.com/avirkit/avirkit/internal/packages/signing"
)

// The repositories of a publisher who changes the key, one after the other, as
// docs/releasing.md has it.
const (
	withOldKey   = "keys-1" // the old key signs
	withBothKeys = "keys-2" // both sign, and the keyring package has both
	withNewKey   = "keys-3" // the new one signs, and there is a beta
	promoted     = "keys-4" // the beta is in stable
)

// publishRotation makes them once. The beta is the newest version.
func (k *kit) publishRotation(ctx context.Context) error {
	if k.rotates {
		return nil
	}
	k.rotates = true
	next, err := k.newKey("next")
	if err != nil {
		return err
	}
	both, err := signing.Join("", k.signer, next)
	if err != nil {
		return err
	}
	ring, _, err := both.Public()
	if err != nil {
		return err
	}
	file := filepath.Join(k.dir, "keys", "ring.gpg")
	if err := atomicdir.WriteFile(file, ring, 0o644); err != nil {
		return err
	}
	alone, err := signing.Join(file, next)
	if err != nil {
		return err
	}
	data, err := k.copyData("rotation-data", "sample", "csample")
	if err != nil {
		return err
	}
	published := ""
	for _, step := range []struct {
		name string
		from release
		keys *signing.Keys
		then repo.Options
	}{
		{withOldKey, k.old, k.signer, repo.Options{}},
		{withBothKeys, k.current, both, repo.Options{}},
		{withNewKey, k.newest(), alone, repo.Options{Channel: repo.Beta}},
		{promoted, release{}, alone, repo.Options{Promote: k.newest().version}},
	} {
		o := step.then
		o.Out, o.URL, o.Epoch, o.Signer, o.Published = filepath.Join(k.dir, step.name), k.url+"/"+step.name, k.epoch, step.keys, published
		if step.from.dist != "" {
			p := k.packageOptions(step.from, data)
			p.Out, p.Signer, p.Keyring = filepath.Join(k.dir, step.name+"-packages"), step.keys, step.keys.Ring
			if err := packages.Build(ctx, p); err != nil {
				return err
			}
			o.Packages = p.Out
		}
		if err := repo.Build(ctx, o); err != nil {
			return err
		}
		published = o.Out
	}
	return nil
}

// newest is the version that is in beta first.
func (k *kit) newest() release {
	return release{version: k.options.Version.Newer(), dist: k.old.dist}
}

func upgrade(ctx context.Context, m subscriber) func() error {
	return func() error {
		_, err := m.get(ctx, "upgrade")
		return err
	}
}

// changeKeys lets a client go from the old key to the new one, and then to the
// version that was promoted to stable, by the upgrade finish. That a client without the new
// key is refused is tested in packages/repo.
func (k *kit) changeKeys(ctx context.Context, m subscriber, p pkg, finish func() error) error {
	if err := k.publishRotation(ctx); err != nil {
		return err
	}
	path, published := m.keyring()
	has := func(place string) error {
		want, err := os.ReadFile(filepath.Join(k.dir, place, published))
		if err != nil {
			return fmt.Errorf("read the repository's key: %w", err)
		}
		got, err := os.ReadFile(m.tree().Path(path))
		if err == nil && !bytes.Equal(got, want) {
			err = fmt.Errorf("%s does not hold the keys of %s", path, place)
		}
		return err
	}
	err := errors.Join(k.takeKeys(m, withOldKey), m.subscribe(ctx, withOldKey))
	if err == nil {
		_, err = m.get(ctx, "install", packages.KeyringName, p.name)
	}
	if err == nil {
		err = errors.Join(has(withOldKey), p.installed(m.tree(), k.old))
	}
	if err != nil {
		return fmt.Errorf("with the old key: %w", err)
	}
	for _, step := range []struct {
		place   string
		upgrade func() error
		keys    string
		want    release
	}{
		{withBothKeys, upgrade(ctx, m), withBothKeys, k.current},
		{withNewKey, upgrade(ctx, m), withBothKeys, k.current}, // sees no beta
		{promoted, finish, withBothKeys, k.newest()},
	} {
		err := m.subscribe(ctx, step.place)
		if err == nil {
			err = step.upgrade()
		}
		if err == nil {
			err = errors.Join(has(step.keys), p.installed(m.tree(), step.want))
		}
		if err != nil {
			return fmt.Errorf("at %s: %w", step.place, err)
		}
	}
	return nil
}
