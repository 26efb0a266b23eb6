package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/run"
)

var (
	cxxLibrary = regexp.MustCompile(`^-l(:lib)?(std)?c\+\+`)
	// Functions of the C++ library and its runtime, as objects name them.
	cxxSymbols = regexp.MustCompile(`\x00(__gxx_personality_v0|__cxa_(throw|begin_catch|guard|pure)|_Zn[wa]|_Zd[la]P|_ZN?K?S[ts]|_ZTV)`)
)

// needCXX says whether words of the link line, or files on it, ask for the
// library of C++: an engine's archive can be in C++ where the plugin is not.
func (t *target) needCXX(words, files []string) (bool, error) {
	need, err := t.readInputs(files)
	return need || slices.ContainsFunc(words, cxxLibrary.MatchString), err
}

// cxxRuntime returns the flags that link the library of C++ into a plugin. With
// gcc an author's own -lstdc++ finds the static library in folder, too, before
// the shared one, which no target system has in this version.
func (t *target) cxxRuntime(ctx context.Context, job, folder string) ([]string, error) {
	if err := t.tc.NeedCXX(ctx, t.platform, job); err != nil {
		return nil, err
	}
	if t.tc.Name != toolchain.GCC {
		return t.compiler.CXXRuntime, nil
	}
	const name = "libstdc++.a"
	driver := t.compiler.CXX
	path, err := run.Command{Name: driver[0], Args: append(slices.Clone(driver[1:]), "-print-file-name="+name), Unset: toolchain.Ambient}.Run(ctx)
	if err == nil {
		err = os.Symlink(strings.TrimSpace(path), filepath.Join(folder, name))
	}
	return append([]string{"-L" + folder}, t.compiler.CXXRuntime...), err
}

// cgoRuntime returns the flags for the C++ in a Go plugin, in what it imports,
// and in the archives that these name for the linker. It refuses archives that
// can't be linked.
func (t *target) cgoRuntime(ctx context.Context, p Plugin, folder string) ([]string, error) {
	const format = `{{if not .Standard}}{{if .CXXFiles}}-lc++{{"\n"}}{{end}}{{range .CgoLDFLAGS}}{{.}}{{"\n"}}{{end}}{{end}}`
	out, err := t.goCommand(p, "list", "-deps", "-tags="+Tags, "-f", format).Run(ctx)
	if err != nil {
		return nil, err
	}
	words := strings.Split(strings.TrimSpace(out), "\n")
	files := linkInputs(p.Dir, slices.DeleteFunc(slices.Clone(words), func(word string) bool { return word == "" }))
	for _, file := range files {
		if err := linkable(file, t.platform, func(p *platform.Platform) string { return "#cgo " + p.GOARCH + " LDFLAGS:" }); err != nil {
			return nil, fmt.Errorf("#cgo LDFLAGS name %w", err)
		}
	}
	if need, err := t.needCXX(words, files); err != nil || !need {
		return nil, err
	}
	return t.cxxRuntime(ctx, p.Name, folder)
}
