package targets

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/packages/signing"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/versions"
)

// Doctor prints one line for each thing that targets use, and fails if
// something is missing that no target brings by itself.
func Doctor(ctx context.Context) error {
	table := tabwriter.NewWriter(run.Out, 0, 0, 2, ' ', 0)
	row := func(state, what, targets, detail string) {
		fmt.Fprintf(table, "%s\t%s\tfor %s\t%s\n", state, what, targets, detail)
	}
	missing := 0
	if path, err := exec.LookPath("go"); err == nil {
		row("ok", "go", "all", path)
	} else {
		row("MISSING", "go", "all", "install a current Go; it fetches "+versions.TargetGo+" by itself")
		missing++
	}
	root, err := run.Root()
	var zig *toolchain.Toolchain
	if err == nil {
		zig, err = toolchain.FindZig(ctx, filepath.Join(root, ".cache"))
	}
	switch {
	case err != nil:
		row("MISSING", "zig "+versions.Zig, "build", err.Error())
		missing++
	case zig != nil:
		row("ok", "zig "+versions.Zig, "build", zig.Path)
	default:
		row("absent", "zig "+versions.Zig, "build", "mage build gets it below .cache where npm is, or can be installed")
	}
	// FromEnvironment itself prints a remark on a key that soon expires.
	keys, badKey := signing.FromEnvironment(ctx, time.Now())
	switch {
	case badKey != nil:
		row("BAD", "signing key", "repo, release", badKey.Error())
	case keys == nil:
		row("absent", "signing key", "repo, release", signing.Describe(nil))
	default:
		row("ok", "signing key", "repo, release", signing.Describe(keys))
	}
	for _, p := range hostdeps.Programs {
		state, detail := "ok", ""
		if !p.There(ctx) && !hostdeps.Has(ctx, p.Package) {
			state, detail = "MISSING", "apt-get install -y --no-install-recommends "+p.Package
			missing++
		}
		row(state, p.Name, strings.ReplaceAll(p.Targets, " ", ", "), detail)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if badKey != nil {
		return fmt.Errorf("the signing key can't be used: %w", badKey)
	}
	_, noDpkg := hostdeps.Missing(ctx)
	switch {
	case missing == 0:
		return nil
	case noDpkg != nil:
		return fmt.Errorf("%d missing, and %w: install what the lines above name", missing, noDpkg)
	case hostdeps.MayInstall():
		run.Printf("Targets install missing Debian packages when they need them; nothing is left to do.")
		return nil
	}
	return errors.New("run the apt-get lines above as root; targets install nothing for this user")
}
