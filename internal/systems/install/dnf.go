package install

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/run"
)

// dnfManager is dnf with an install root, and the repository by HTTP. What
// rpm does better, verify and list, it leaves to that.
type dnfManager struct {
	*rpmManager
	repos string // folder of its .repo files
}

// testDNF installs the packages with dnf, by name.
func testDNF(ctx context.Context, k *kit, t *table) error {
	t.preparing("making the install root")
	m, err := newRPM(ctx, k, "dnf")
	if err != nil {
		return err
	}
	defer os.RemoveAll(m.Dir)
	d := &dnfManager{rpmManager: m, repos: filepath.Join(m.home, "repos")}
	if err := d.use("good", "good"); err != nil {
		return err
	}
	k.cycle(ctx, d, t)
	p := k.packages()[0]
	t.do("all", "wrong key, tampered index and package refused", func() error { return d.refusals(ctx, p) })
	return nil
}

func (d *dnfManager) dnf(ctx context.Context, args ...string) (string, error) {
	return d.dnfCommand(args...).Run(ctx)
}

// dnfCommand gives dnf process ids of its own: the gpg-agent that it starts to
// check the index ends with it.
func (d *dnfManager) dnfCommand(args ...string) run.Command {
	return run.Command{
		Name: "unshare",
		Args: append([]string{
			"--pid", "--fork", "--kill-child", "dnf", "-y", "--installroot", d.Dir, "--releasever", "6", "--noplugins",
			"--setopt=reposdir=" + d.repos, "--setopt=metadata_expire=0", "--setopt=localpkg_gpgcheck=1", "--setopt=retries=1",
		}, args...),
		Env: []string{"HOME=" + d.home, "LC_ALL=C", "http_proxy=", "no_proxy=*"},
	}
}

// use gives dnf the .repo file of one repository and the place of another.
func (d *dnfManager) use(file, place string) error {
	data, err := os.ReadFile(filepath.Join(d.k.dir, file, "yum", "avirkit.repo"))
	if err != nil {
		return fmt.Errorf("read the repository's file: %w", err)
	}
	text := strings.ReplaceAll(string(data), d.k.url+"/good/yum", d.k.url+"/"+place+"/yum")
	return atomicdir.WriteFile(filepath.Join(d.repos, "avirkit.repo"), []byte(text), 0o644)
}

// fetch installs or upgrades: "dnf install" leaves an old version alone.
func (d *dnfManager) fetch(ctx context.Context, p pkg) (string, error) {
	if _, err := d.rpm(ctx, "-q", p.name); err == nil {
		return d.dnf(ctx, "upgrade", p.name)
	}
	return d.dnf(ctx, "install", p.name)
}

func (d *dnfManager) install(ctx context.Context, from release, ps ...pkg) (string, error) {
	return d.dnf(ctx, append([]string{"install"}, d.files(from, ps...)...)...)
}

// deaf leaves standard output open, without which dnf itself doesn't start.
func (d *dnfManager) deaf(ctx context.Context, from release, p pkg) error {
	c := d.dnfCommand(append([]string{"install"}, d.files(from, p)...)...)
	c.Name, c.Args = "sh", append([]string{"-c", `exec unshare "$@" <&-`, "sh"}, c.Args...)
	_, err := c.Run(ctx)
	return err
}

func (d *dnfManager) downgrade(ctx context.Context, to release, p pkg) error {
	version, release := to.version.RPM()
	_, err := d.dnf(ctx, "downgrade", p.name+"-"+version+"-"+release)
	return err
}

func (d *dnfManager) reinstall(ctx context.Context, p pkg) error {
	_, err := d.dnf(ctx, "reinstall", p.name)
	return err
}

func (d *dnfManager) remove(ctx context.Context, p pkg) error {
	_, err := d.dnf(ctx, "remove", p.name)
	return err
}

// refusals: dnf refuses what the repository's owner did not sign.
func (d *dnfManager) refusals(ctx context.Context, p pkg) error {
	for _, r := range []struct{ place, what, why string }{
		{"stranger", "a repository that another key signed", "signature"},
		{"tampered-index", "an index that was changed after it was signed", "signature"},
		{"tampered-lists", "a list of packages that was changed", "checksum"},
		{"tampered-package", "a changed package", "checksum"},
	} {
		if err := d.use("good", r.place); err != nil {
			return err
		}
		if err := os.RemoveAll(d.Path("var/cache/dnf")); err != nil {
			return fmt.Errorf("empty dnf's cache: %w", err)
		}
		out, err := d.fetch(ctx, p)
		if err == nil {
			return fmt.Errorf("dnf install takes %s:\n%s", r.what, out)
		}
		if !strings.Contains(strings.ToLower(err.Error()), r.why) {
			return fmt.Errorf("dnf install refuses %s, but not for its %s: %w", r.what, r.why, err)
		}
	}
	return nil
}
