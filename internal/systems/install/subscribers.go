package install

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/avirkit/avirkit/internal/build/platform"
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
		return k.changeKeys(ctx, d, k.packages(of)[0], upgrade(ctx, d))
	})
	return nil
}
