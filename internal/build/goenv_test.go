package build

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/versions"
)

// settings lets a file hold what "go env -w" would write.
func settings(t *testing.T, text string) *target {
	t.Helper()
	file := filepath.Join(t.TempDir(), "env")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	t.Setenv("GOENV", file)
	for _, name := range []string{"GOFLAGS", "GOPROXY", "CGO_CFLAGS", "CGO_LDFLAGS"} {
		t.Setenv(name, "") // as good as unset
	}
	root, err := run.Root()
	require.NoError(t, err)
	env, err := TargetGo(context.Background(), root)
	require.NoError(t, err)
	return &target{
		builder:  &builder{Options: Options{Root: root}, targetGo: env},
		platform: platform.All[0],
		compiler: &toolchain.Compiler{CC: []string{"/my zig/zig", "cc"}, CXX: []string{"/my zig/zig", "c++"}},
	}
}

func TestOfTheUsersSettingsOnlyTheHarmlessReachABuild(t *testing.T) {
	b := settings(t, "GOFLAGS=-ldflags=-w\nCGO_LDFLAGS=-L/mine\nCGO_CFLAGS=-DMINE\nGOPROXY=file:///mine\n")

	out, err := run.Command{
		Name: "go", Args: []string{"env", "-json"}, Dir: filepath.Join(b.Root, "plugins"), Env: b.cgoEnv(),
	}.Run(context.Background())

	require.NoError(t, err)
	var seen map[string]string
	require.NoError(t, json.Unmarshal([]byte(out), &seen))
	for name, want := range map[string]string{
		"GOFLAGS": "-buildvcs=false", "CGO_CFLAGS": "-O2 -g", "GOPROXY": "file:///mine",
		"GOVERSION": versions.TargetGo, "CC": "'/my zig/zig' cc", "CXX": "'/my zig/zig' c++", "CGO_ENABLED": "1",
	} {
		assert.Equal(t, want, seen[name], name)
	}
	assert.NotContains(t, seen["CGO_LDFLAGS"], "/mine")
}

func TestAGoReleaseThatCantBeFetchedIsOneLine(t *testing.T) {
	b := settings(t, "GOPROXY=off\n")
	b.targetGo = append(b.targetGo, "GOMODCACHE="+t.TempDir())

	err := b.fetchGo(context.Background())

	require.ErrorContains(t, err, "go1.23.12: can't fetch it: ")
	assert.ErrorContains(t, err, "check the network and GOPROXY")
	assert.NotContains(t, err.Error(), "\n")
}
