package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/systems/rootfs"
)

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
		if err := os.RemoveAll(a.Path("etc/apt/sources.list.d")); err != nil {
			return err
		}
		return k.changeKeys(ctx, a, p, func() error { return errors.Join(a.unattended(ctx, p), a.changelog(ctx, p)) })
	})
	return nil
}

func (a *apt) keyring() (path, published string) { return packages.AptKeyring, "avirkit.gpg" }

// subscribe writes the line of docs/administrator.md.
func (a *apt) subscribe(ctx context.Context, place string) error {
	line := fmt.Sprintf("deb [signed-by=%s] %s/%s/apt stable main\n", packages.AptKeyring, a.k.url, place)
	if err := a.Write("etc/apt/sources.list.d/avirkit.list", line, 0o644); err != nil {
		return err
	}
	_, err := a.update(ctx)
	return err
}

func (a *apt) first(ctx context.Context, names ...string) error {
	_, err := a.get(ctx, append([]string{"install"}, names...)...)
	return err
}

func (a *apt) upgrade(ctx context.Context) error {
	_, err := a.get(ctx, "upgrade")
	return err
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

// changelog asks for that of the promoted version, which apt gets from the
// repository if the package does not have it.
func (a *apt) changelog(ctx context.Context, p pkg) error {
	if err := os.RemoveAll(a.Path("usr/share/doc/" + p.name)); err != nil {
		return err
	}
	out, err := a.get(ctx, "changelog", p.name)
	if err == nil && !strings.Contains(out, p.name+" ("+a.k.newest().version.Deb()+")") {
		err = fmt.Errorf("apt-get changelog does not tell of version %s:\n%s", a.k.newest().version.Deb(), out)
	}
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
		return k.changeKeys(ctx, d, k.packages(of)[0], func() error { return d.upgrade(ctx) })
	})
	return nil
}

func (d *dnfManager) keyring() (path, published string) { return packages.RPMKeyring, "avirkit.asc" }

// subscribe writes the lines of docs/administrator.md, and forgets what dnf
// knew of another repository.
func (d *dnfManager) subscribe(ctx context.Context, place string) error {
	text := fmt.Sprintf("[avirkit]\nname=avirkit\nbaseurl=%s/%s/yum\nenabled=1\ngpgcheck=1\nrepo_gpgcheck=1\ngpgkey=file://%s\n",
		d.k.url, place, d.Path(packages.RPMKeyring))
	if err := os.WriteFile(d.repos+"/avirkit.repo", []byte(text), 0o644); err != nil {
		return err
	}
	if err := os.RemoveAll(d.Path("var/cache/dnf")); err != nil {
		return fmt.Errorf("empty dnf's cache: %w", err)
	}
	_, err := d.dnf(ctx, "makecache", "--setopt=skip_if_unavailable=0") // or it says ok
	return err
}

func (d *dnfManager) first(ctx context.Context, names ...string) error {
	_, err := d.dnf(ctx, append([]string{"install"}, names...)...)
	return err
}

func (d *dnfManager) upgrade(ctx context.Context) error {
	_, err := d.dnf(ctx, "upgrade")
	return err
}
