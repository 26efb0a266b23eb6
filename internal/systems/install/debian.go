package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/systems/rootfs"
)

// apt is apt and dpkg in a Debian tree.
type apt struct {
	rootfs.Root
	k     *kit
	of    *platform.Platform
	trace string
	old   bool // reads the repository as apt of Debian 6 to 8 does
}

// distributions are those that the Debian archive still has: the oldest with
// its own apt, and today's.
var distributions = []rootfs.Debian{
	{Number: "11", Codename: "bullseye", Arch: "i386"},
	{Number: "12", Codename: "bookworm", Arch: "i386"},
	{Number: "13", Codename: "trixie", Arch: "i386"},
	{Number: "11", Codename: "bullseye", Arch: "amd64"},
	{Number: "12", Codename: "bookworm", Arch: "amd64"},
	{Number: "13", Codename: "trixie", Arch: "amd64"},
}

// bothWidths is a system that runs 32-bit and 64-bit programs.
var bothWidths = rootfs.Debian{Number: "12", Codename: "bookworm", Arch: "amd64,i386", Include: []string{"libc6:i386"}}

// testDebian installs the packages in a tree of the distribution.
func testDebian(ctx context.Context, d rootfs.Debian, k *kit, t *table) error {
	a, err := newApt(ctx, d, k, t)
	if err != nil {
		return err
	}
	defer os.RemoveAll(a.Dir)
	k.cycle(ctx, a, k.packages(a.of), t)
	p := k.packages(a.of)[0]
	t.do(p.name, "the product's package has a plugin of this name", func() error { return k.packagedOriginal(ctx, a, p) })
	t.do(p.name, "a server of the other width is told of", k.from(ctx, a, p, p.other().of, k.tellWidth))
	t.do("all", "wrong key, tampered index and package refused", func() error { return k.refusals(ctx, a, p) })
	if d.Number == "11" {
		t.do("all", "the same with the files for Debian 6 to 8", func() error { return a.asOfOld(ctx, p) })
	}
	return nil
}

// testBothWidths follows the commands that change a package's width, on a
// system that runs programs of both.
func testBothWidths(ctx context.Context, k *kit, t *table) error {
	a, err := newApt(ctx, bothWidths, k, t)
	if err != nil {
		return err
	}
	defer os.RemoveAll(a.Dir)
	for _, of := range platform.All {
		p := k.packages(of)[0]
		t.do(p.name, fmt.Sprintf("from the %d-bit package to the other and back", of.Bits()), k.from(ctx, a, p, p.other().of, k.changeWidth))
	}
	return nil
}

// newApt makes the tree of a distribution, ready to install packages from the
// good repository.
func newApt(ctx context.Context, d rootfs.Debian, k *kit, t *table) (*apt, error) {
	dir := filepath.Join(k.dir, "debian-"+d.Number+"-"+d.Arch)
	tree, err := d.Unpack(ctx, k.options.Root, dir, t.preparing)
	if err != nil {
		return nil, err
	}
	native, _, _ := strings.Cut(d.Arch, ",")
	of := slices.IndexFunc(platform.All, func(p *platform.Platform) bool { return p.Deb == native })
	a := &apt{Root: tree, k: k, of: platform.All[of]}
	for name, text := range map[string]string{
		// dpkg waits for the disk after each file, which only a power cut needs.
		"etc/dpkg/dpkg.cfg.d/test": "force-unsafe-io\n",
		// The commands that the packages print ask questions otherwise.
		"etc/apt/apt.conf.d/test": "APT::Get::Assume-Yes \"true\";\nAPT::Sandbox::User \"root\";\nquiet \"1\";\n",
	} {
		if err := a.Write(name, text, 0o644); err != nil {
			return nil, err
		}
	}
	err = errors.Join(k.putHosts(a.Root), a.putPackages(), os.RemoveAll(a.Path("etc/apt/sources.list")), k.takeKeys(a, "good"))
	if err == nil {
		err = a.subscribe(ctx, "good")
	}
	return a, err
}

// putPackages copies the packages of all releases into the tree, for dpkg.
func (a *apt) putPackages() error {
	for _, from := range []release{a.k.old, a.k.current, a.k.failing} {
		files, err := filepath.Glob(filepath.Join(from.dir, "*.deb"))
		if err != nil {
			return err
		}
		for _, file := range files {
			if err := atomicdir.CopyFile(a.Path(bench+"/"+filepath.Base(file)), file, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *apt) file(from release, p pkg) string { return bench + "/" + p.deb(from.version) }

func (a *apt) tree() rootfs.Root { return a.Root }

func (a *apt) get(ctx context.Context, args ...string) (string, error) {
	return a.Run(ctx, "apt-get", args...)
}

func (a *apt) fetch(ctx context.Context, p pkg) (string, error) {
	return a.get(ctx, "install", a.named(p))
}

// named is how a person names a package on this system.
func (a *apt) named(p pkg) string {
	if p.of == a.of {
		return p.name
	}
	return p.name + ":" + p.of.Deb
}

func (a *apt) shell(ctx context.Context, command string) error {
	_, err := a.Run(ctx, "sh", "-c", command)
	return err
}

// install lets dpkg tell which scripts it calls. dpkg does so on standard error.
func (a *apt) install(ctx context.Context, from release, ps ...pkg) (string, error) {
	args := []string{"-D2", "-i"}
	for _, p := range ps {
		args = append(args, a.file(from, p))
	}
	c := a.Command("dpkg", args...)
	c.Joined = true
	out, err := c.Run(ctx)
	a.trace += out
	return out, err
}

func (a *apt) installWithoutStdio(ctx context.Context, from release, p pkg) error {
	_, err := a.Run(ctx, "sh", "-c", `exec dpkg -i "$1" <&- >&-`, "sh", a.file(from, p))
	return err
}

func (a *apt) downgrade(ctx context.Context, to release, p pkg) error {
	_, err := a.get(ctx, "install", "--allow-downgrades", a.named(p)+"="+to.version.Deb())
	return err
}

func (a *apt) reinstall(ctx context.Context, p pkg) (string, error) {
	return a.get(ctx, "install", "--reinstall", a.named(p))
}

func (a *apt) remove(ctx context.Context, p pkg) error {
	_, err := a.Run(ctx, "dpkg", "--remove", p.name)
	return err
}

func (a *apt) purge(ctx context.Context, p pkg) error {
	_, err := a.get(ctx, "purge", a.named(p))
	return err
}

func (a *apt) verify(ctx context.Context, p pkg) error {
	out, err := a.Run(ctx, "dpkg", "--verify", p.name)
	if err == nil && out != "" {
		err = fmt.Errorf("dpkg --verify %s finds:\n%s", p.name, out)
	}
	return err
}

func (a *apt) list(ctx context.Context, p pkg) ([]string, error) {
	out, err := a.Run(ctx, "dpkg", "-L", p.name)
	return strings.Split(strings.TrimSpace(out), "\n"), err
}

// calls reads dpkg's trace, which has lines like
// D000002: fork/exec /var/lib/dpkg/info/NAME.postinst ( configure 1.0 ).
func (a *apt) calls() ([]string, error) {
	var calls []string
	for line := range strings.Lines(a.trace) {
		if _, call, ok := strings.Cut(line, "fork/exec "); ok {
			path, args, _ := strings.Cut(call, " (")
			script := path[strings.LastIndexAny(path, "./")+1:]
			calls = append(calls, strings.TrimSpace(script+" "+strings.Trim(args, " )\n")))
		}
	}
	a.trace = ""
	return calls, nil
}

func (a *apt) wanted(old *packages.Version, current packages.Version) []string {
	if old == nil {
		return []string{"preinst install", "postinst configure"}
	}
	return []string{
		"preinst upgrade " + old.Deb() + " " + current.Deb(), "postrm upgrade " + current.Deb(), "postinst configure " + old.Deb(),
	}
}
