package targets

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/hostdeps"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/run"
)

// modules are the project's Go modules.
var modules = []string{".", "api", "plugins", "harness", "testdata/badplugins", "testdata/engines/command", "testdata/engines/http"}

// Lint checks formatting and the workflows, then vets every module.
func Lint(ctx context.Context) error {
	root, err := run.Root()
	if err != nil {
		return err
	}
	if err := hostdeps.Need(ctx, hostdeps.For("lint")...); err != nil {
		return err
	}
	if err := run.Step(ctx, "gofmt", nil, func(ctx context.Context) (string, error) { return "", gofmt(ctx, root) }); err != nil {
		return err
	}
	if err := run.Step(ctx, "clang-format", nil, func(ctx context.Context) (string, error) { return clangFormat(ctx, root) }); err != nil {
		return err
	}
	if err := run.Step(ctx, "actionlint", nil, func(ctx context.Context) (string, error) { return actionlint(ctx, root) }); err != nil {
		return err
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

func gofmt(ctx context.Context, root string) error {
	files, err := tracked(ctx, root, "*.go")
	if err != nil {
		return err
	}
	out, err := run.Command{Name: "gofmt", Args: append([]string{"-l"}, files...), Dir: root}.Run(ctx)
	if err == nil && out != "" {
		err = fmt.Errorf("not formatted; run gofmt -w on:\n%s", out)
	}
	return err
}

func clangFormat(ctx context.Context, root string) (string, error) {
	files, err := tracked(ctx, root, "*.c", "*.h")
	if err != nil {
		return "", err
	}
	if len(files) == 0 {
		return "no C files", nil
	}
	_, err = run.Command{
		Name: "clang-format", Args: append([]string{"--dry-run", "-Werror"}, files...), Dir: root,
		Hint: "run clang-format -i on these files",
	}.Run(ctx)
	return "", err
}

// actionlint checks the workflows of continuous integration, by itself: what
// other linters are there differs between machines.
func actionlint(ctx context.Context, root string) (string, error) {
	files, err := tracked(ctx, root, ".github/workflows/*.yml")
	if err != nil {
		return "", err
	}
	if len(files) == 0 {
		return "no workflows", nil
	}
	_, err = run.Command{
		Name: "go", Args: append([]string{"tool", "actionlint", "-shellcheck=", "-pyflakes="}, files...), Dir: root, Env: []string{"GOWORK=off"},
	}.Run(ctx)
	return "", err
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
