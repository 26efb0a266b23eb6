package packages

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/platform"
)

// aRoot is where the tests find the checkout.
const aRoot = "../.."

// allocating is a library that needs something of glibc.
const allocating = "#include <stdlib.h>\nvoid *f(void) { return malloc(1); }\n"

// compile makes a small library from C.
func compile(t *testing.T, of *platform.Platform, path, source string, args ...string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "library.c")
	require.NoError(t, os.WriteFile(file, []byte(source), 0o644))
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	out, err := exec.Command("gcc", append([]string{of.GCCFlag, "-shared", "-fPIC", "-s", "-o", path, file}, args...)...).CombinedOutput()
	require.NoErrorf(t, err, "gcc %s (Debian packages %s): %s", of.GCCFlag, of.GCCPackages, out)
}

// options are those of a build from this checkout's data and libraries that
// only look like plugins.
func options(t *testing.T) Options {
	t.Helper()
	dist := filepath.Join(t.TempDir(), "dist")
	for _, of := range platform.All {
		for _, name := range []string{"avir_clam.so", "avir_csample.so", "avir_sample.so"} {
			compile(t, of, filepath.Join(dist, of.Name, name), allocating)
		}
		for _, name := range []string{"avirctl", "avserver"} {
			require.NoError(t, os.WriteFile(filepath.Join(dist, of.Name, name), []byte(of.Name+" "+name), 0o755))
		}
	}
	return Options{
		Data: filepath.Join(aRoot, "packaging"), Dist: dist, Out: filepath.Join(dist, "packages"),
		Version: parsed(t, "1.3.0"), Epoch: time.Unix(1_700_000_000, 0),
	}
}

// textsOf are the filled-in texts of a package for Kerio Connect.
func textsOf(t *testing.T, d *Data, plugin string, of *platform.Platform) *texts {
	t.Helper()
	texts, err := newTexts(d, parsed(t, "1.3.0"), d.Products["connect"], plugin, of)
	require.NoError(t, err)
	return texts
}

func parsed(t *testing.T, s string) Version {
	t.Helper()
	v, err := ParseVersion(s)
	require.NoError(t, err)
	return v
}
