package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/systems/rootfs"
)

// rpmManager is rpm with an install root.
type rpmManager struct {
	rootfs.Root
	k    *kit
	of   *platform.Platform // of the system
	home string             // keeps this machine's own rpm database out
}

// testRPM installs a platform's packages with rpm, which checks every signature.
func testRPM(ctx context.Context, k *kit, of *platform.Platform, t *table) error {
	m, err := newRPM(ctx, k, of, "rpm-"+of.RPM, t)
	if err != nil {
		return err
	}
	defer os.RemoveAll(m.Dir)
	k.cycle(ctx, m, k.packages(of), t)
	p := k.packages(of)[0]
	t.do(p.name, "the product's package has a plugin of this name", func() error { return k.ownedOriginal(ctx, m, p) })
	t.do("all", "wrong key and tampered package refused", func() error { return m.refusals(ctx, p) })
	return nil
}

// rpm runs this machine's rpm on the install root. Debian's one installs only
// when it is told to; packages must be signed by a known key.
func (m *rpmManager) rpm(ctx context.Context, args ...string) (string, error) {
	return m.rpmCommand(args...).Run(ctx)
}

func (m *rpmManager) rpmCommand(args ...string) run.Command {
	base := []string{"--root", m.Dir}
	switch args[0] {
	case "-U", "-e", "--nosignature":
		base = append(base, "--force-debian")
	}
	return run.Command{Name: "rpm", Args: append(base, args...), Env: []string{"HOME=" + m.home, "LC_ALL=C"}}
}

func (m *rpmManager) files(from release, ps ...pkg) []string {
	var files []string
	for _, p := range ps {
		files = append(files, filepath.Join(from.dir, p.rpm(from.version)))
	}
	return files
}

func (m *rpmManager) tree() rootfs.Root { return m.Root }

func (m *rpmManager) fetch(ctx context.Context, p pkg) (string, error) {
	return m.install(ctx, m.k.current, p)
}

func (m *rpmManager) install(ctx context.Context, from release, ps ...pkg) (string, error) {
	return m.rpm(ctx, append([]string{"-U"}, m.files(from, ps...)...)...)
}

func (m *rpmManager) installWithoutStdio(ctx context.Context, from release, p pkg) error {
	c := m.rpmCommand(append([]string{"-U"}, m.files(from, p)...)...)
	c.Name, c.Args = "sh", append([]string{"-c", `exec rpm "$@" <&- >&-`, "sh"}, c.Args...)
	_, err := c.Run(ctx)
	return err
}

func (m *rpmManager) downgrade(ctx context.Context, to release, p pkg) error {
	_, err := m.rpm(ctx, append([]string{"-U", "--oldpackage"}, m.files(to, p)...)...)
	return err
}

func (m *rpmManager) reinstall(ctx context.Context, p pkg) (string, error) {
	return m.rpm(ctx, append([]string{"-U", "--replacepkgs"}, m.files(m.k.current, p)...)...)
}

func (m *rpmManager) remove(ctx context.Context, p pkg) error {
	_, err := m.rpm(ctx, "-e", p.name)
	return err
}

// shell is what dnf does, which the commands name.
func (m *rpmManager) shell(context.Context, string) error {
	return errors.New("rpm prints no command of its own")
}

// purge has nothing to do: rpm keeps nothing of a removed package.
func (m *rpmManager) purge(context.Context, pkg) error { return nil }

func (m *rpmManager) verify(ctx context.Context, p pkg) error {
	_, err := m.rpm(ctx, "-V", p.name)
	return err
}

func (m *rpmManager) list(ctx context.Context, p pkg) ([]string, error) {
	out, err := m.rpm(ctx, "-ql", p.name)
	return strings.Split(strings.TrimSpace(out), "\n"), err
}

// scriptlets tells them by their first lines, which the shell wrote down.
var scriptlets = map[string]string{
	"# $1 is 1 on the first install and 2 on an upgrade. rpm makes the missing":    "pre",
	"# $1 is 1 on the first install, and more on an upgrade. An install without a": "post",
	"# On an upgrade the old version's script runs after the new version's files":  "postun",
}

func (m *rpmManager) calls() ([]string, error) {
	path := m.Path(bench + "/calls")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read which scriptlets ran: %w", err)
	}
	var calls []string
	for line := range strings.Lines(string(data)) {
		count, first, _ := strings.Cut(strings.TrimSpace(line), " ")
		if script, known := scriptlets[first]; known {
			first = script
		}
		calls = append(calls, first+" "+count)
	}
	return calls, os.Remove(path)
}

func (m *rpmManager) wanted(old *packages.Version, _ packages.Version) []string {
	if old == nil {
		return []string{"pre 1", "post 1"}
	}
	return []string{"pre 2", "post 2", "postun 1"}
}

// refusals checks that rpm refuses a package that a stranger signed, or that was
// changed.
func (m *rpmManager) refusals(ctx context.Context, p pkg) error {
	changed := release{version: m.k.current.version, dir: filepath.Join(m.k.dir, "tampered-package", "yum", p.name)}
	for what, from := range map[string]release{"a changed package": changed, "a package signed by a stranger": m.k.foreign} {
		_, err := m.install(ctx, from, p)
		if err == nil {
			return fmt.Errorf("rpm installs %s", what)
		}
		if text := err.Error(); !strings.Contains(text, "NOKEY") && !strings.Contains(text, "BAD") {
			return fmt.Errorf("rpm refuses %s, but not for its signature or digest: %w", what, err)
		}
		if _, err := m.rpm(ctx, append([]string{"-K"}, m.files(from, p)...)...); err == nil {
			return fmt.Errorf("rpm -K finds %s good", what)
		}
	}
	if out, err := m.rpm(ctx, "-q", p.name); err == nil {
		return errors.New("is installed after all: " + out)
	}
	return nil
}
