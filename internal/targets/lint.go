package targets

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/run"
)

// modules are the project's Go modules.
var modules = []string{".", "api", "plugins", "harness", "testdata/badplugins", "testdata/engines/command", "testdata/engines/http"}

// formatters look at the files of the checkout that match. What other linters
// actionlint would find differs between machines, so that it runs by itself.
var formatters = []struct {
	name     string
	patterns []string
	command  []string // the files follow
	hint     string
}{
	{"gofmt", []string{"*.go"}, []string{"gofmt", "-d"}, "run gofmt -w on these files"},
	{"clang-format", []string{"*.c", "*.h"}, []string{"clang-format", "--dry-run", "-Werror"}, "run clang-format -i on these files"},
	{"actionlint", []string{".github/workflows/*.yml"}, []string{"go", "tool", "actionlint", "-shellcheck=", "-pyflakes="}, ""},
}

// Lint checks formatting and the workflows, then vets every module.
func Lint(ctx context.Context) error {
	root, err := run.Root()
	if err != nil {
		return err
	}
	if err := hostdeps.Need(ctx, hostdeps.For("lint")...); err != nil {
		return err
	}
	for _, f := range formatters {
		err := run.Step(ctx, f.name, nil, func(ctx context.Context) (string, error) {
			files, err := tracked(ctx, root, f.patterns...)
			if err != nil || len(files) == 0 {
				return "no files", err
			}
			_, err = run.Command{Name: f.command[0], Args: append(f.command[1:], files...), Dir: root, Env: []string{"GOWORK=off"}, Hint: f.hint}.Run(ctx)
			return "", err
		})
		if err != nil {
			return err
		}
	}
	for _, m := range modules {
		for _, tool := range [][]string{{"vet"}, {"tool", "staticcheck"}} {
			err := run.Step(ctx, strings.Join(tool, " ")+" "+m, nil, func(ctx context.Context) (string, error) {
				return "", lintModule(ctx, root, m, tool)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// lintModule runs one of the go command's tools on module m. staticcheck is a
// tool of the root module; in other modules the built program is run.
func lintModule(ctx context.Context, root, m string, tool []string) error {
	c := run.Command{Name: "go", Args: append(tool, "./..."), Dir: filepath.Join(root, m), Env: []string{"GOWORK=off"}}
	if m != "." && tool[0] == "tool" {
		path, err := run.Command{Name: "go", Args: []string{"tool", "-n", tool[1]}, Dir: root}.Run(ctx)
		if err != nil {
			return err
		}
		c.Name, c.Args = strings.TrimSpace(path), []string{"./..."}
	}
	_, err := c.Run(ctx)
	return err
}

// tracked lists the files of the checkout that match, those not yet committed
// included.
func tracked(ctx context.Context, root string, patterns ...string) ([]string, error) {
	out, err := packages.Git(ctx, root, append([]string{"ls-files", "--cached", "--others", "--exclude-standard", "--"}, patterns...)...)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, f := range strings.Fields(out) {
		if _, err := os.Stat(filepath.Join(root, f)); err == nil {
			files = append(files, f)
		}
	}
	return files, nil
}
