package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// simple compiles a plugin on the simple API in C from the sources in a folder.
func (b *bench) simple(t *testing.T, folder, name string) string {
	t.Helper()
	library := filepath.Join(t.TempDir(), name+".so")
	files := append(sources(t, filepath.Join(folder, "*.c")), sources(t, "../api/c/*.c")...)
	require.NoError(t, b.compile(t, library, append(files, "-std=gnu99", "-fPIC", "-shared", "-I../api/c")...))
	return library
}

func TestPluginsOnTheSimpleAPIPassEveryCheck(t *testing.T) {
	onEachPlatform(t, func(t *testing.T, b *bench) {
		for folder, name := range map[string]string{"../plugins/csample": "avir_csample", "../testdata/simpleapi": "avir_sloppy"} {
			t.Run(name, func(t *testing.T) { b.passesEveryCheck(t, b.simple(t, folder, name)) })
		}
	})
}

func TestTheSimpleAPIBoundsATextThatTheAuthorDidNotEnd(t *testing.T) {
	b := newBench(t)
	plugin := b.simple(t, "../testdata/simpleapi", "avir_sloppy")
	out, _ := exec.Command(filepath.Join(b.dir, "avserver"), "--plugin", plugin, "--set", "fail=YES", "/dev/null").CombinedOutput()

	_, reason, found := strings.Cut(string(out), "init\tfailed\t")
	require.True(t, found, string(out))
	reason, _, _ = strings.Cut(reason, "\n")
	assert.True(t, strings.HasPrefix(reason, "f?r jeden ?f?r jeden"), reason)
	assert.Len(t, reason, 432, "the characters in the 512 bytes of errorMessage, all of which the author filled")
}
