package machines

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

// fakeProgram puts a shell script into the front of PATH.
func fakeProgram(t *testing.T, name, text string) {
	t.Helper()
	path := write(t, filepath.Join(t.TempDir(), name), "#!/bin/sh\n"+text)
	require.NoError(t, os.Chmod(path, 0o755))
	t.Setenv("PATH", filepath.Dir(path)+":"+os.Getenv("PATH"))
}
