package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/packages/repo"
	"github.com/avirkit/avirkit/internal/packages/signing"
	"github.com/avirkit/avirkit/internal/systems/rootfs"
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

// changeKeys lets a client go from the old key to the new one, and then to the
// version that was promoted to stable, by the upgrade finish. That a client
// without the new key is refused is tested in packages/repo.
func (k *kit) changeKeys(ctx context.Context, m subscriber, p pkg, finish func() error) error {
	if err := k.publishRotation(ctx); err != nil {
		return err
	}
	if err := k.takeKeys(m, withOldKey); err != nil {
		return err
	}
	get := func(words ...string) func() error {
		return func() error {
			_, err := m.get(ctx, words...)
			return err
		}
	}
	for _, step := range []struct {
		place string
		do    func() error
		keys  string
		want  release
	}{
		{withOldKey, get("install", packages.KeyringName, p.name), withOldKey, k.old},
		{withBothKeys, get("upgrade"), withBothKeys, k.current},
		{withNewKey, get("upgrade"), withBothKeys, k.current}, // sees no beta
		{promoted, finish, withBothKeys, k.newest()},
	} {
		err := m.subscribe(ctx, step.place)
		if err == nil {
			err = step.do()
		}
		if err == nil {
			err = errors.Join(k.hasKeys(m, step.keys), p.installed(m.tree(), step.want))
		}
		if err != nil {
			return fmt.Errorf("at %s: %w", step.place, err)
		}
	}
	return nil
}

// testAptRotation changes the key under a client of the distribution, and lets
// unattended-upgrades find what was promoted.
func testAptRotation(ctx context.Context, d rootfs.Debian, k *kit, t *table) error {
	d.Include = []string{"unattended-upgrades"}
	a, err := newApt(ctx, d, k, t)
	if err != nil {
		return err
	}
	defer os.RemoveAll(a.Dir)
	p := k.packages(a.of)[0]
	t.do("all", "the key changes, a beta is promoted, by apt and unattended-upgrades", func() error {
		return k.changeKeys(ctx, a, p, func() error { return a.unattended(ctx, p) })
	})
	return nil
}

// unattended upgrades by unattended-upgrades, which must choose by the channel.
func (a *apt) unattended(ctx context.Context, p pkg) error {
	for _, channel := range []string{"beta", "stable"} {
		conf := fmt.Sprintf("Unattended-Upgrade::Origins-Pattern { \"origin=avirkit,codename=%s\"; };\n", channel)
		if err := a.Write("etc/apt/apt.conf.d/52avirkit", conf, 0o644); err != nil {
			return err
		}
		out, err := a.Run(ctx, "unattended-upgrade", "--dry-run", "--verbose")
		if err != nil {
			return err
		}
		if chosen := strings.Contains(out, p.name); chosen != (channel == "stable") {
			return fmt.Errorf("unattended-upgrade chooses %s for codename=%s: %v:\n%s", p.name, channel, chosen, out)
		}
	}
	_, err := a.Run(ctx, "unattended-upgrade", "--verbose")
	return err
}

// testDNFRotation does the same under dnf.
func testDNFRotation(ctx context.Context, k *kit, of *platform.Platform, t *table) error {
	d, err := newDNF(ctx, k, of, t)
	if err != nil {
		return err
	}
	defer os.RemoveAll(d.Dir)
	t.do("all", "the key changes, a beta is promoted", func() error {
		return k.changeKeys(ctx, d, k.packages(of)[0], func() error {
			_, err := d.get(ctx, "upgrade")
			return err
		})
	})
	return nil
}
