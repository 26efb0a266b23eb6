package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/report"
)

// goToolchain is what target systems need; the build's versions are not
// visible from this module, and the library says which Go it was built with.
const goToolchain = "go1.23.12"

// goSins builds the plugin in Go that commits the sin named by its option.
func (b *bench) goSins(t *testing.T) string {
	t.Helper()
	plugin := filepath.Join(t.TempDir(), "avir_gosins.so")
	cmd := exec.Command("go", "build", "-tags", "netgo,osusergo", "-trimpath", "-buildmode=c-shared", "-o", plugin, "./gosins")
	cmd.Dir = "../testdata/badplugins"
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+goToolchain, "GOOS=linux", "GOARCH="+strings.TrimPrefix(b.platform.Name, "linux-"),
		"CGO_ENABLED=1", "GOFLAGS=", "GOWORK=off", "CC=gcc "+b.platform.Flag)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return plugin
}

func TestEverySinOfAGoPluginIsFoundByItsCheck(t *testing.T) {
	onEachPlatform(t, func(t *testing.T, b *bench) {
		plugin := b.goSins(t)
		for _, s := range readSins(t, "Bad plugins in Go") {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				cases := check(b.run(plugin, limit, host.Setting{Name: "Sin", Value: s.name}), s.check)
				requireFailure(t, cases, s.message)
			})
		}
	})
}

func TestTheSDKAbsorbsWhatCanBeAbsorbed(t *testing.T) {
	onEachPlatform(t, func(t *testing.T, b *bench) {
		plugin := b.goSins(t)
		for _, s := range readSins(t, "What the SDK absorbs") {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				for _, c := range check(b.run(plugin, limit, host.Setting{Name: "Sin", Value: s.name}), s.check) {
					if s.message == "passes" {
						require.Equal(t, report.Passed, c.Status, c.Saw)
					} else {
						require.Contains(t, c.Saw, s.message)
						require.NotContains(t, c.Saw, "the host was killed")
						require.NotContains(t, c.Saw, "the host hung")
						require.NotContains(t, c.Saw, "exit status")
					}
				}
			})
		}
	})
}
