package packages

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// aRoot is where the tests find the checkout.
const aRoot = "../.."

// compile makes a small i386 library from C.
func compile(t *testing.T, path, source string, args ...string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "library.c")
	require.NoError(t, os.WriteFile(file, []byte(source), 0o644))
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	out, err := exec.Command("gcc", append([]string{"-m32", "-shared", "-fPIC", "-s", "-o", path, file}, args...)...).CombinedOutput()
	require.NoErrorf(t, err, "gcc -m32 (Debian package gcc-multilib): %s", out)
}

// options are those of a build from this checkout's data and libraries that
// only look like plugins.
func options(t *testing.T) Options {
	t.Helper()
	dist := filepath.Join(t.TempDir(), "dist")
	for _, name := range []string{"avir_clam.so", "avir_sample.so"} {
		compile(t, filepath.Join(dist, "linux-386", name), "#include <stdlib.h>\nvoid *f(void) { return malloc(1); }\n")
	}
	return Options{
		Data: filepath.Join(aRoot, "packaging"), Dist: dist, Out: filepath.Join(dist, "packages"),
		Version: parsed(t, "1.3.0"), Epoch: time.Unix(1_700_000_000, 0),
	}
}

func parsed(t *testing.T, s string) Version {
	t.Helper()
	v, err := ParseVersion(s)
	require.NoError(t, err)
	return v
}
