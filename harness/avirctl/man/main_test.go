package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write packaging/tools/man")

func TestThePackagesHaveTheManualOfTheseTexts(t *testing.T) {
	const packaged = "../../../packaging/tools/man"
	if *update {
		require.NoError(t, os.MkdirAll(packaged, 0o755))
		require.NoError(t, write(packaged))
	}
	dir := t.TempDir()
	require.NoError(t, write(dir))
	pages, err := filepath.Glob(dir + "/*.8")
	require.NoError(t, err)
	require.Contains(t, pages, filepath.Join(dir, "avirctl.8"))
	kept, err := filepath.Glob(packaged + "/*")
	require.NoError(t, err)
	assert.Len(t, kept, len(pages), "packaging/tools/man has pages of other commands")
	for _, page := range pages {
		want, err := os.ReadFile(page)
		require.NoError(t, err)
		got, err := os.ReadFile(filepath.Join(packaged, filepath.Base(page)))
		require.NoError(t, err)
		assert.Equal(t, string(want), string(got), "run go test ./avirctl/man -update in harness/")
	}
}
