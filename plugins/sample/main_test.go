package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/api/apitest"
)

// Every plugin begins its tests with this one.
func TestPluginKeepsTheRules(t *testing.T) {
	lines := apitest.Check(t, &plugin{}, api.Setting{Name: "option 2", Value: "set"})
	assert.Contains(t, lines[0], `Option 1 is "0", Option 2 is "set"`)
}

func TestScanAnswersByFileName(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]api.Verdict{
		"clean.exe":    api.OK,
		"empty.file":   api.OK,
		"huge.file":    api.OK,
		"eicar.com":    api.VirusFound,
		"eicar.zip":    api.VirusFound,
		"eicarpwd.zip": api.Impossible,
		"other.file":   api.Impossible,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			require.NoError(t, os.WriteFile(path, nil, 0o600))
			result := new(scanner).Scan(context.Background(), api.File{Path: path})
			assert.Equal(t, want, result.Verdict)
			assert.Equal(t, want == api.OK, result.Text == "")
		})
	}
}

func TestScanFailsForWhatIsNoFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "clean.exe")
	require.NoError(t, os.Mkdir(dir, 0o700))
	for _, path := range []string{dir, filepath.Join(dir, "nonexisting.file"), ""} {
		assert.Equal(t, api.Failed, new(scanner).Scan(context.Background(), api.File{Path: path}).Verdict, path)
	}
}
