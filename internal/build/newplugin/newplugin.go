// Package newplugin writes the folder that a vendor begins a plugin with: the
// project's own sample in the wanted language, under the vendor's name, with
// the data of its packages.
package newplugin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/run"
)

// Options say what to write and where.
type Options struct {
	Root     string // the checkout
	Name     string // the library will be avir_NAME.so; it may begin with avir_ here, too
	Language string // go, c or c++
	Dir      string // the folder to make; empty: NAME, beside the checkout
	GoEnv    []string
}

// sampleFile is a file of the checkout that the new folder gets under a name
// of its own.
type sampleFile struct{ from, to string }

// samples are the files of each language's sample. NAME in a name is the
// plugin's.
var samples = map[string][]sampleFile{
	"go":  {{"plugins/sample/main.go", "main.go"}, {"plugins/sample/main_test.go", "main_test.go"}},
	"c":   {{"plugins/csample/avSample.c", "NAME.c"}, {"plugins/csample/avSample.h", "NAME.h"}},
	"c++": {{"plugins/csample/avSample.c", "NAME.cpp"}, {"plugins/csample/avSample.h", "NAME.h"}},
}

// Write makes the folder and returns its path. It makes all of it or nothing.
func Write(ctx context.Context, o Options) (dir string, err error) {
	o.Name = strings.TrimPrefix(o.Name, "avir_")
	if err := build.Passable(o.Root); err != nil {
		return "", err
	}
	if err := checkName(o.Root, o.Name); err != nil {
		return "", err
	}
	files, ok := samples[o.Language]
	if !ok {
		return "", fmt.Errorf("language %q: take go, c or c++", o.Language)
	}
	if o.Dir == "" {
		o.Dir = filepath.Join(filepath.Dir(o.Root), o.Name)
	}
	if dir, err = filepath.Abs(o.Dir); err != nil {
		return "", err
	}
	if entries, err := os.ReadDir(dir); len(entries) > 0 || err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("%s exists and is no empty folder: name another one with -dir", dir)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return "", err
	}
	stage, err := os.MkdirTemp(filepath.Dir(dir), ".avirkit-new-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(stage)
	if err := o.fill(ctx, stage, dir, files); err != nil {
		return "", err
	}
	_ = os.Remove(dir) // an empty one
	return dir, os.Rename(stage, dir)
}

// checkName refuses what no library can be called, and what one of the
// project's own is called: both would be offered in the same console.
func checkName(root, name string) error {
	if err := build.CheckName("avir_" + name); err != nil {
		return fmt.Errorf("name %q: %w", name, err)
	}
	if err := build.CheckNotOurs(root, build.Plugin{Name: "avir_" + name}); err != nil {
		return fmt.Errorf("name %q: %w", name, err)
	}
	return nil
}

// fill writes into stage what will be in dir.
func (o Options) fill(ctx context.Context, stage, dir string, files []sampleFile) error {
	texts := map[string]string{}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(o.Root, f.from))
		if err != nil {
			return err
		}
		texts[strings.ReplaceAll(f.to, "NAME", o.Name)] = o.rename(string(text))
	}
	own, err := o.ownTexts()
	if err != nil {
		return err
	}
	maps.Copy(texts, own)
	if o.Language == "go" {
		api, err := filepath.Rel(dir, filepath.Join(o.Root, "api"))
		if err != nil {
			return err
		}
		texts["go.mod"] = fmt.Sprintf("module example.com/%s\n\ngo 1.23\n\nrequire github.com/avirkit/avirkit/api v0.0.0\n\n// Where the checkout of avirkit is, seen from here.\nreplace github.com/avirkit/avirkit/api => %s\n", o.Name, api)
	}
	for name, text := range texts {
		path := filepath.Join(stage, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			return err
		}
	}
	if err := os.Chmod(stage, 0o755); err != nil {
		return err
	}
	if o.Language != "go" {
		return nil
	}
	// The stage lies beside dir, so that the relative path holds there, too.
	return o.tidy(ctx, stage)
}

// tidy lets the go command add what the tests import, with their checksums.
func (o Options) tidy(ctx context.Context, dir string) error {
	_, err := run.Command{
		Name: "go", Args: []string{"mod", "tidy"}, Dir: dir, Env: o.GoEnv,
		Hint: "the modules come through GOPROXY: check the network",
	}.Run(ctx)
	return err
}

// rename gives a sample the plugin's name.
func (o Options) rename(text string) string {
	title := strings.ToUpper(o.Name[:1]) + o.Name[1:]
	guard := strings.ToUpper(strings.ReplaceAll(o.Name, "-", "_"))
	return strings.NewReplacer(
		"avir_sample", "avir_"+o.Name, "avir_csample", "avir_"+o.Name,
		"Sample plugin without an antivirus", title+" without an engine yet",
		"Sample plugin in C without an antivirus", title+" without an engine yet",
		"avSample.h", o.Name+".h", "AVSAMPLE_H", "PLUGIN_"+guard+"_H",
	).Replace(text)
}

// Languages are the languages that a plugin can begin with.
func Languages() []string { return slices.Sorted(maps.Keys(samples)) }
