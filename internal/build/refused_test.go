package build

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/audit"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/run"
)

// testTarget builds for a platform in a folder of the test.
func testTarget(t *testing.T, name string, p *platform.Platform) *target {
	t.Helper()
	root, err := run.Root()
	require.NoError(t, err)
	b, err := newBuilder(context.Background(), Options{Root: root, Toolchain: name, Platforms: []*platform.Platform{p}})
	require.NoError(t, err)
	b.stage = t.TempDir()
	target := b.target(p)
	require.NoError(t, target.folders())
	return target
}

func named(t *testing.T, name string) *platform.Platform {
	t.Helper()
	found, err := platform.Find(name)
	require.NoError(t, err)
	return found[0]
}

var sample = Plugin{Name: "avir_sample", Dir: "plugins/sample"}

func TestALibraryBuiltWrongIsRefusedAndNotStaged(t *testing.T) {
	for name, c := range map[string]struct {
		toolchain string
		platform  string
		change    func(*target)
		want      []string
	}{
		"linked by LLD without the mend": {
			toolchain.Zig, "linux-386", func(b *target) { b.compiler.LLD = false }, []string{"mend"},
		},
		"linked without the glibc floor": {
			toolchain.GCC, "linux-386", func(b *target) { b.compiler.LinkFlags = nil }, []string{"glibc-floor", "GLIBC_2.34"},
		},
		"linked without the glibc floor, 64 bits": {
			toolchain.GCC, "linux-amd64", func(b *target) { b.compiler.LinkFlags = nil }, []string{"glibc-floor", "GLIBC_2.34"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := testTarget(t, c.toolchain, named(t, c.platform))
			c.change(b)

			err := b.plugin(context.Background(), sample, &Library{})

			require.ErrorContains(t, err, "the audit refuses it")
			for _, w := range c.want {
				assert.ErrorContains(t, err, w)
			}
			assert.NoFileExists(t, b.staged("avir_sample.so"))
		})
	}
}

func TestTheAuditRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*testing.T, *run.Command, string)
		want   []string
	}{
		"a library with extra exports": {
			func(t *testing.T, _ *run.Command, script string) {
				require.NoError(t, os.WriteFile(script, []byte("{ global: "+export+"; crosscall2; local: *; };\n"), 0o644))
			},
			[]string{"crosscall2"},
		},
		"a library built by a newer Go": {
			func(_ *testing.T, c *run.Command, _ string) { c.Env = append(c.Env, "GOTOOLCHAIN=local") },
			[]string{runtime.Version(), "go1.23.12"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := testTarget(t, toolchain.GCC, platform.All[0])
			lib := filepath.Join(b.stage, "avir_sample.so")
			script := filepath.Join(b.stage, "exports.map")
			require.NoError(t, copyFile(b.exportScript(), script))
			objects := filepath.Join(b.stage, "objects")
			require.NoError(t, os.Mkdir(objects, 0o755))
			command := b.goBuild(sample, lib, objects, script)
			c.change(t, &command, script)
			_, err := command.Run(context.Background())
			require.NoError(t, err)

			report, err := audit.File(lib, Policy())

			require.NoError(t, err)
			for _, w := range c.want {
				assert.ErrorContains(t, report.Err(), w)
			}
		})
	}
}
