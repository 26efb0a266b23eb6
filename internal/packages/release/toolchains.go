package release

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/run"
)

// side is what one toolchain has made.
type side struct {
	manifest *build.Manifest
	dist     string
}

// compare makes sure that both toolchains have made the same plugins: the
// same sources, interface, options and needs. Their code differs by the C
// parts, so their bytes do.
func compare(ctx context.Context, a, b side) error {
	if len(a.manifest.Libraries) == 0 || len(a.manifest.Libraries) != len(b.manifest.Libraries) {
		return fmt.Errorf("%s made %d libraries, %s %d", a.manifest.Toolchain, len(a.manifest.Libraries), b.manifest.Toolchain, len(b.manifest.Libraries))
	}
	if err := hostdeps.Need(ctx, "libc6-i386"); err != nil {
		return err
	}
	for _, l := range a.manifest.Libraries {
		same := func(o build.Library) bool { return o.Platform == l.Platform && o.Name == l.Name }
		at := slices.IndexFunc(b.manifest.Libraries, same)
		if at < 0 {
			return fmt.Errorf("%s made no %s/%s.so", b.manifest.Toolchain, l.Platform, l.Name)
		}
		var facts [2][]string
		var err error
		if facts[0], err = a.facts(ctx, l); err != nil {
			return err
		}
		if facts[1], err = b.facts(ctx, b.manifest.Libraries[at]); err != nil {
			return err
		}
		if !slices.Equal(facts[0], facts[1]) {
			return fmt.Errorf("the toolchains made different %s for %s:\n  %s: %s\n  %s: %s", l.Name, l.Platform,
				a.manifest.Toolchain, strings.Join(facts[0], "; "), b.manifest.Toolchain, strings.Join(facts[1], "; "))
		}
		run.Printf("  ok %s/%s.so is the same plugin from %s and from %s: %d facts compared", l.Platform, l.Name, a.manifest.Toolchain, b.manifest.Toolchain, len(facts[0]))
	}
	return nil
}

// facts tells what a library is, a line each.
func (s side) facts(ctx context.Context, l build.Library) (facts []string, err error) {
	path := filepath.Join(s.dist, l.Platform, l.Name+".so")
	if l.Audit.Go != nil {
		if facts, err = goFacts(path); err != nil {
			return nil, err
		}
	}
	shown, err := run.Command{Name: filepath.Join(s.dist, l.Platform, "avserver"), Args: []string{"--info", "--plugin", path}}.Run(ctx)
	if err != nil {
		return nil, err
	}
	facts = append(facts, strings.Split(strings.TrimSpace(shown), "\n")...)
	return append(facts, "exports "+strings.Join(l.Audit.Exports, " ")), nil
}

// goFacts tells what a library in Go was built of and how.
func goFacts(path string) ([]string, error) {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read how %s was built: %w", path, err)
	}
	facts := []string{"Go " + info.GoVersion, "package " + info.Path}
	for _, m := range info.Deps {
		facts = append(facts, strings.Join([]string{"module", m.Path, m.Version, m.Sum}, " "))
	}
	for _, setting := range info.Settings {
		// The flags for the C compiler are the toolchain's own.
		if !strings.HasPrefix(setting.Key, "CGO_") && !strings.HasPrefix(setting.Key, "-ld") {
			facts = append(facts, setting.Key+"="+setting.Value)
		}
	}
	return facts, nil
}
