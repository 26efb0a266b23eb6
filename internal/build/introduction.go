package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/run"
)

// introLimit bounds a load; the SDK gives a plugin's Info 5 seconds of it.
const introLimit = time.Minute

// introductions loads each library as the host does and refuses those that
// don't say who they are: no compiler finds a name or description that the
// author forgot.
func (b *builder) introductions(ctx context.Context, plugins []Plugin) error {
	for _, p := range b.Platforms {
		if _, err := os.Stat(p.Loader); err != nil && p != platform.Native() {
			continue // programs for it don't run here
		}
		for _, plugin := range plugins {
			if err := b.target(p).introduction(ctx, plugin.Name); err != nil {
				return fmt.Errorf("%s for %s: %w", plugin.Name, p, err)
			}
		}
	}
	return nil
}

func (t *target) introduction(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, introLimit)
	defer cancel()
	dir, err := t.runnable(name)
	if err != nil {
		return err
	}
	if dir != filepath.Dir(t.staged(name)) {
		defer os.RemoveAll(dir)
	}
	out, err := run.Command{Name: filepath.Join(dir, "avserver"), Args: []string{"--info", "--plugin", filepath.Join(dir, name+".so")}}.Run(ctx)
	if err != nil {
		return fmt.Errorf("the host can't load it: %w", err)
	}
	said := map[string]string{}
	for line := range strings.Lines(out) {
		if field := strings.Split(strings.TrimSuffix(line, "\n"), "\t"); len(field) == 3 && field[0] == "info" {
			said[field[1]] = field[2]
		}
	}
	const remedy = "give it to api.NewInfo in Go, to AVPLUGIN_SHORTCUT and AVPLUGIN_DESCRIPTION in C, or in its own get_plugin_info"
	blank := func(text string) bool { return strings.TrimSpace(text) == "" }
	switch missing := slices.DeleteFunc([]string{"name", "description"}, func(what string) bool { return !blank(said[what]) }); {
	case len(missing) > 0:
		return fmt.Errorf("the plugin has no %s: %s", strings.Join(missing, " and no "), remedy)
	case said["name"] != name:
		return fmt.Errorf("the plugin calls itself %q, and its library is %s.so: the host wants both to be the same; %s", said["name"], name, remedy)
	case said["error"] != "":
		return fmt.Errorf("it could never start: %s", said["error"])
	}
	return nil
}

// runnable returns a folder with the host and the plugin that can be executed:
// where they were built, or a temporary copy if that is mounted noexec.
func (t *target) runnable(name string) (dir string, err error) {
	built := filepath.Dir(t.staged(name))
	if !run.NoExec(built) {
		return built, nil
	}
	if dir, err = os.MkdirTemp("", "avirkit-load-*"); err != nil {
		return "", err
	}
	if run.NoExec(dir) {
		err = fmt.Errorf("it can't be loaded to see what it calls itself: %s and %s are mounted noexec; set TMPDIR to a folder that runs programs", built, os.TempDir())
	}
	for _, file := range []string{"avserver", name + ".so"} {
		if err == nil {
			err = atomicdir.CopyFile(filepath.Join(dir, file), t.staged(file), 0o755)
		}
	}
	if err != nil {
		_ = os.RemoveAll(dir)
	}
	return dir, err
}
