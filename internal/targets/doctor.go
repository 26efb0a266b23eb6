package targets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/versions"
)

// need is one thing that targets use.
type need struct {
	what    string
	targets string // who uses it
	program string // that must be in PATH, or
	find    func(context.Context) (string, error)
	pkg     string // Debian's package that brings it
	remedy  string // when that is not a package
}

var needs = []need{
	{what: "go", targets: "all", program: "go", remedy: "install a current Go; it fetches " + versions.TargetGo + " by itself"},
	{what: "git", targets: "lint, package", program: "git", pkg: "git"},
	{what: "objcopy", targets: "build", program: "objcopy", pkg: "binutils"},
	{what: "zig " + versions.Zig, targets: "build (zig)", find: findZig, remedy: "none needed where npm is, or can be installed: mage build gets it below .cache"},
	{what: "npm", targets: "build (zig)", program: "npm", pkg: "npm"},
	{what: "gcc -m32", targets: "build (gcc), test", pkg: "gcc-multilib"},
	{what: "32-bit C library", targets: "test", pkg: "libc6-i386"},
	{what: "clamd", targets: "test", program: "clamd", pkg: "clamav-daemon"},
	{what: "clamdscan", targets: "test, bench", program: "clamdscan", pkg: "clamdscan"},
	{what: "unzip", targets: "test", program: "unzip", pkg: "unzip"},
	{what: "apt-ftparchive", targets: "repo, test", program: "apt-ftparchive", pkg: "apt-utils"},
	{what: "createrepo_c", targets: "repo, test", program: "createrepo_c", pkg: "createrepo-c"},
	{what: "gpg", targets: "repo, test", program: "gpg", pkg: "gnupg"},
	{what: "mmdebstrap", targets: "test, vm:box", program: "mmdebstrap", pkg: "mmdebstrap"},
	{what: "rpm", targets: "test", program: "rpm", pkg: "rpm"},
	{what: "dnf", targets: "test", program: "dnf", pkg: "dnf"},
	{what: "lintian", targets: "test", program: "lintian", pkg: "lintian"},
	{what: "rpmlint", targets: "test", program: "rpmlint", pkg: "rpmlint"},
	{what: "vagrant", targets: "test:vm", program: "vagrant", pkg: "vagrant"},
	{what: "clang-format", targets: "lint", program: "clang-format", pkg: "clang-format"},
}

// Doctor prints one line for each thing that targets use, and fails if
// something is missing that no target brings by itself.
func Doctor(ctx context.Context) error {
	_, noDpkg := hostdeps.Missing(ctx)
	missing := 0
	for _, n := range needs {
		state, detail := n.state(ctx)
		if state == "MISSING" {
			missing++
		}
		run.Printf("%-8s %-18s for %-18s %s", state, n.what, n.targets, detail)
	}
	switch {
	case missing == 0:
		return nil
	case noDpkg != nil:
		return fmt.Errorf("%d missing, and %w: install what the lines above name", missing, noDpkg)
	case os.Geteuid() == 0 && os.Getenv("AVIR_NO_INSTALL") != "1":
		run.Printf("Targets install missing Debian packages when they need them; nothing is left to do.")
		return nil
	}
	return errors.New("run the apt-get lines above as root; targets install nothing for this user")
}

// findZig returns the path of a zig that a build would take, if there is one.
func findZig(ctx context.Context) (string, error) {
	root, err := run.Root()
	if err != nil {
		return "", err
	}
	t, err := toolchain.FindZig(ctx, filepath.Join(root, ".cache"))
	if err != nil || t == nil {
		return "", err
	}
	return t.Path, nil
}

func (n need) state(ctx context.Context) (state, detail string) {
	if n.find != nil {
		switch path, err := n.find(ctx); {
		case err != nil:
			return "MISSING", err.Error()
		case path != "":
			return "ok", path
		}
		return "absent", n.remedy
	}
	if n.program != "" {
		// An ordinary user's PATH leaves out where Debian puts daemons.
		for _, name := range []string{n.program, "/usr/sbin/" + n.program, "/sbin/" + n.program} {
			if path, err := exec.LookPath(name); err == nil {
				return "ok", path
			}
		}
	} else if hostdeps.Has(ctx, n.pkg) {
		return "ok", "package " + n.pkg
	}
	if n.pkg == "" {
		return "MISSING", n.remedy
	}
	return "MISSING", "apt-get install -y --no-install-recommends " + n.pkg
}
