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
	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/run"
)

// testBuilder is a builder whose stage is a folder of the test.
func testBuilder(t *testing.T, name string) *builder {
	t.Helper()
	root, err := run.Root()
	require.NoError(t, err)
	b, err := newBuilder(context.Background(), Options{Root: root, Toolchain: name})
	require.NoError(t, err)
	b.stage = t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(b.stage, Dir386), 0o755))
	return b
}

var sample = Plugin{Name: "avir_sample", Dir: "plugins/sample"}

func TestALibraryBuiltWrongIsRefusedAndNotStaged(t *testing.T) {
	for name, c := range map[string]struct {
		toolchain string
		change    func(*builder)
		want      []string
	}{
		"linked by LLD without the mend": {
			toolchain.Zig, func(b *builder) { b.tc.Mend = false }, []string{"mend"},
		},
		"linked without the glibc floor": {
			toolchain.GCC, func(b *builder) { b.tc.LinkFlags = nil }, []string{"glibc-floor", "GLIBC_2.34"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := testBuilder(t, c.toolchain)
			c.change(b)

			_, err := b.plugin(context.Background(), sample)

			require.ErrorContains(t, err, "the audit refuses it")
			for _, w := range c.want {
				assert.ErrorContains(t, err, w)
			}
			assert.NoFileExists(t, filepath.Join(b.stage, Dir386, "avir_sample.so"))
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
			b := testBuilder(t, toolchain.GCC)
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
