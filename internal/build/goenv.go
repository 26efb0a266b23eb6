package build

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/versions"
)

// userSettings are the go command's settings that are the user's own: where it
// gets modules and keeps files. None of them changes what a build makes.
var userSettings = []string{
	"GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE", "GOINSECURE", "GOVCS", "GOAUTH",
	"GOMODCACHE", "GOPATH", "GOCACHE", "GOTMPDIR",
}

// forOtherBuilds are variables of the go command that say what to build and how,
// for builds other than this one.
var forOtherBuilds = []string{"GOFLAGS", "GOWORK", "GOOS", "GOARCH", "GOEXPERIMENT"}

// TargetGo is the environment in which the go command is the Go release of the
// target systems, with the user's settings above and no others. GOENV=off is
// needed beside it: for a variable that is empty, the go command takes what
// "go env -w" has written to a file. No git is asked, which may be told of
// another checkout.
func TargetGo(ctx context.Context, root string) ([]string, error) {
	out, err := run.Command{
		Name: "go", Args: append([]string{"env", "-changed", "-json"}, userSettings...), Dir: root, Unset: forOtherBuilds,
	}.Run(ctx)
	if err != nil {
		return nil, err
	}
	var values map[string]string
	if err := json.Unmarshal([]byte(out), &values); err != nil {
		return nil, fmt.Errorf("read the settings of the go command: %w", err)
	}
	env := []string{"GOENV=off", "GOTOOLCHAIN=" + versions.TargetGo, "GOFLAGS=-buildvcs=false", "GOWORK=off", "GOEXPERIMENT="}
	for _, name := range userSettings {
		// Other settings are in the environment already, or are defaults.
		if value := values[name]; value != "" && value != os.Getenv(name) {
			env = append(env, name+"="+value)
		}
	}
	return env, nil
}

// goEnv is the environment of the go command for a static program.
func (t *target) goEnv() []string {
	env := append(slices.Clone(t.targetGo), "GOOS=linux", "GOARCH="+t.platform.GOARCH, "CGO_ENABLED=0")
	return append(env, t.platform.GoEnv...)
}

// cgoFlags are the compiler's flags for the C code of plugins.
func cgoFlags() []string {
	return []string{
		"CGO_CFLAGS=-O2 -g", "CGO_CXXFLAGS=-O2 -g", "CGO_CPPFLAGS=", "CGO_LDFLAGS=",
		"CGO_CFLAGS_ALLOW=", "CGO_LDFLAGS_ALLOW=", "CGO_CFLAGS_DISALLOW=", "CGO_LDFLAGS_DISALLOW=",
	}
}

// cgoEnv is the environment of the go command for a plugin.
func (t *target) cgoEnv() []string {
	env := append(t.goEnv(), "CGO_ENABLED=1", "CC="+toolchain.ForGo(t.compiler.CC), "CXX="+toolchain.ForGo(t.compiler.CXX))
	return append(env, cgoFlags()...)
}
