package install

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/run"
)

// dnfManager is dnf with an install root, and the repository by HTTP. What
// rpm does better, verify and list, it leaves to that.
type dnfManager struct {
	*rpmManager
	repos string // folder of its .repo files
}

// newDNF makes an install root whose dnf looks at the good repository.
func newDNF(ctx context.Context, k *kit, of *platform.Platform, t *table) (*dnfManager, error) {
	m, err := newRPM(ctx, k, of, "dnf-"+of.RPM, t)
	if err != nil {
		return nil, err
	}
	d := &dnfManager{rpmManager: m, repos: filepath.Join(m.home, "repos")}
	if err := k.takeKeys(d, "good"); err != nil {
		return nil, err
	}
	return d, d.subscribe(ctx, "good")
}

// testDNF installs a platform's packages with dnf, by name.
func testDNF(ctx context.Context, k *kit, of *platform.Platform, t *table) error {
	d, err := newDNF(ctx, k, of, t)
	if err != nil {
		return err
	}
	defer os.RemoveAll(d.Dir)
	k.cycle(ctx, d, k.packages(of), t)
	p := k.packages(of)[0]
	if of == platform.Native() {
		for _, of := range platform.All {
			p := k.packages(of)[0]
			t.do(p.name, fmt.Sprintf("from the %d-bit package to the other and back", of.Bits()), k.from(ctx, d, p, p.other().of, k.changeWidth))
		}
	}
	t.do("all", "wrong key, tampered index and package refused", func() error { return k.refusals(ctx, d, p) })
	return nil
}

func (d *dnfManager) get(ctx context.Context, args ...string) (string, error) {
	return d.dnfCommand(args...).Run(ctx)
}

// dnfCommand gives dnf process ids of its own: the gpg-agent that it starts to
// check the index ends with it.
func (d *dnfManager) dnfCommand(args ...string) run.Command {
	return run.Command{
		Name: "unshare",
		Args: append([]string{
			"--pid", "--fork", "--kill-child", "dnf", "-y", "--installroot", d.Dir, "--releasever", "6", "--forcearch", d.of.RPM, "--noplugins",
			"--setopt=reposdir=" + d.repos, "--setopt=metadata_expire=0", "--setopt=localpkg_gpgcheck=1", "--setopt=retries=1",
		}, args...),
		Env: []string{"HOME=" + d.home, "LC_ALL=C", "http_proxy=", "no_proxy=*"},
	}
}

func (d *dnfManager) keyring() (path, published string) { return packages.RPMKeyring, "avirkit.asc" }

// subscribe names the key's place on this machine: dnf does not look for it in
// the install root.
func (d *dnfManager) subscribe(ctx context.Context, place string) error {
	text := fmt.Sprintf("[avirkit]\nname=avirkit\nbaseurl=%s/%s/yum\nenabled=1\ngpgcheck=1\nrepo_gpgcheck=1\ngpgkey=file://%s\n",
		d.k.url, place, d.Path(packages.RPMKeyring))
	if err := atomicdir.WriteFile(filepath.Join(d.repos, "avirkit.repo"), []byte(text), 0o644); err != nil {
		return err
	}
	if err := os.RemoveAll(d.Path("var/cache/dnf")); err != nil {
		return fmt.Errorf("empty dnf's cache: %w", err)
	}
	_, err := d.get(ctx, "makecache", "--setopt=skip_if_unavailable=0") // or it says ok
	return err
}

// fetch installs or upgrades: "dnf install" leaves an old version alone.
func (d *dnfManager) fetch(ctx context.Context, p pkg) (string, error) {
	if _, err := d.rpm(ctx, "-q", p.name); err == nil {
		return d.get(ctx, "upgrade", p.name)
	}
	if p.of != d.of {
		return d.get(ctx, "install", p.name+"."+p.of.RPM)
	}
	return d.get(ctx, "install", p.name)
}

// shell runs the commands of one line: dnf's, and yum's, which dnf understands.
func (d *dnfManager) shell(ctx context.Context, command string) error {
	for part := range strings.SplitSeq(command, " && ") {
		words := strings.Fields(part)
		if words[0] != "dnf" && words[0] != "yum" {
			return fmt.Errorf("the printed command %q is neither dnf's nor yum's", command)
		}
		if _, err := d.get(ctx, words[1:]...); err != nil {
			return err
		}
	}
	return nil
}

func (d *dnfManager) install(ctx context.Context, from release, ps ...pkg) (string, error) {
	return d.get(ctx, append([]string{"install"}, d.files(from, ps...)...)...)
}

// installWithoutStdio leaves standard output open, without which dnf itself doesn't start.
func (d *dnfManager) installWithoutStdio(ctx context.Context, from release, p pkg) error {
	c := d.dnfCommand(append([]string{"install"}, d.files(from, p)...)...)
	c.Name, c.Args = "sh", append([]string{"-c", `exec unshare "$@" <&-`, "sh"}, c.Args...)
	_, err := c.Run(ctx)
	return err
}

func (d *dnfManager) downgrade(ctx context.Context, to release, p pkg) error {
	_, err := d.get(ctx, "downgrade", p.name+"-"+to.version.RPMWhole())
	return err
}

func (d *dnfManager) reinstall(ctx context.Context, p pkg) (string, error) {
	return d.get(ctx, "reinstall", p.name)
}

func (d *dnfManager) remove(ctx context.Context, p pkg) error {
	_, err := d.get(ctx, "remove", p.name)
	return err
}
