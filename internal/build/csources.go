package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/run"
)

// FlagsFile is the file beside a plugin's C or C++ sources that holds further
// arguments for the compiler, one in a line: include folders, defines, static
// archives. Paths in it start in the plugin's folder.
const FlagsFile = "build.flags"

// A cFolder is a plugin's folder with sources in C or C++.
type cFolder struct {
	dir     string
	sources []string // names in dir
	flags   []string // out of FlagsFile
	simple  bool     // written for the simple API: avCommon.c belongs to it
	header  string   // name in dir of the file that names a plugin on the simple API
}

var (
	cNames     = regexp.MustCompile(`\.c$`)
	cxxNames   = regexp.MustCompile(`\.(cc|cpp|cxx|c\+\+|C)$`)
	headerName = regexp.MustCompile(`\.(h|hh|hpp|hxx)$`)

	simpleInclude = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*include[ \t]*["<]av(Plugin|Common)\.h[">]`)
	shortcut      = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*define[ \t]+AVPLUGIN_SHORTCUT[ \t]+(?:"([^"\n]*)")?`)
)

// readCFolder returns the C and C++ sources in a folder, or nil when there are
// none or when the folder holds Go.
func readCFolder(dir string) (*cFolder, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	f := &cFolder{dir: dir}
	var headers []string
	for _, e := range entries {
		switch name := e.Name(); {
		case strings.HasSuffix(name, ".go") || name == "go.mod":
			return nil, nil
		case e.IsDir():
		case cNames.MatchString(name), cxxNames.MatchString(name):
			f.sources = append(f.sources, name)
		case headerName.MatchString(name):
			headers = append(headers, name)
		}
	}
	if len(f.sources) == 0 {
		return nil, nil
	}
	if f.flags, err = readFlags(filepath.Join(dir, FlagsFile)); err != nil {
		return nil, err
	}
	for _, name := range append(headers, f.sources...) {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		f.simple = f.simple || simpleInclude.Match(text)
		if shortcut.Match(text) && f.header == "" {
			f.header = name
		}
	}
	if slices.Contains(f.sources, "avCommon.c") {
		f.simple = false // the author brings a copy of the SDK
	}
	return f, nil
}

// readFlags reads a FlagsFile; there need not be one.
func readFlags(file string) (flags []string, err error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for line := range bytes.Lines(text) {
		flag := strings.TrimSpace(string(line))
		if flag != "" && !strings.HasPrefix(flag, "#") {
			flags = append(flags, flag)
		}
	}
	return flags, err
}

// check finds at build time what the host would find when it loads the plugin.
func (f *cFolder) check(name string) error {
	if !f.simple {
		return nil
	}
	if f.header == "" {
		return fmt.Errorf("no file in %s defines AVPLUGIN_SHORTCUT and AVPLUGIN_DESCRIPTION: add a header with\n\t#define AVPLUGIN_SHORTCUT %q\n\t#define AVPLUGIN_DESCRIPTION \"the antivirus, and the plugin's version\"", f.dir, name)
	}
	text, err := os.ReadFile(filepath.Join(f.dir, f.header))
	if err != nil {
		return err
	}
	if m := shortcut.FindSubmatch(text); len(m[1]) > 0 && string(m[1]) != name {
		return fmt.Errorf("%s defines AVPLUGIN_SHORTCUT as %q, and the library will be %s.so: the host wants both to be the same", filepath.Join(f.dir, f.header), m[1], name)
	}
	return nil
}

// hasCXX says whether the library needs the C++ runtime.
func (f *cFolder) hasCXX() bool { return slices.ContainsFunc(f.sources, cxxNames.MatchString) }

// buildC compiles and links a plugin in C or C++ into out, with its symbols.
func (t *target) buildC(ctx context.Context, p Plugin, out, objects string) error {
	f := p.c
	if err := f.check(p.Name); err != nil {
		return err
	}
	if f.hasCXX() {
		if err := t.tc.NeedCXX(ctx, t.platform); err != nil {
			return err
		}
	}
	job := p.Name
	var linked []string
	compile := func(source string, more ...string) error {
		object := filepath.Join(objects, filepath.Base(source)+".o")
		linked = append(linked, object)
		compiler := t.compiler.CC
		if cxxNames.MatchString(source) {
			compiler = t.compiler.CXX
		}
		args := append(t.cFlags(f), more...)
		return t.compileIn(ctx, f.dir, job, compiler, append(append(args, f.flags...), "-c", "-o", object, source))
	}
	for _, source := range f.sources {
		if err := compile(source); err != nil {
			return err
		}
	}
	if f.simple {
		// The header goes in front, so that avCommon.c knows the plugin's name.
		if err := compile(filepath.Join(t.simpleAPI(), "avCommon.c"), "-std=gnu99", "-include", f.header); err != nil {
			return err
		}
	}
	driver := t.compiler.CC
	var runtime []string
	if f.hasCXX() {
		driver, runtime = t.compiler.CXX, t.compiler.CXXRuntime
	}
	args := []string{"-shared", "-pthread", "-Wl,-z,now", "-Wl,-z,nodelete", "-o", out}
	args = append(append(args, linked...), f.flags...)
	args = append(append(args, runtime...), t.linkFlags(t.exportScript())...)
	return t.compileIn(ctx, f.dir, job, driver, args)
}

// simpleAPI is the folder of the C headers and of avCommon.c.
func (b *builder) simpleAPI() string { return filepath.Join(b.Root, "api", "c") }

// cFlags are the compiler's flags for a plugin's sources. No path of this
// machine gets into the library.
func (t *target) cFlags(f *cFolder) []string {
	return []string{"-O2", "-g", "-fPIC", "-pthread", "-I" + t.simpleAPI(), "-DAVPLUGIN_VERSION=" + strconv.Quote(t.version()),
		"-ffile-prefix-map=" + f.dir + "=" + filepath.Base(f.dir), "-ffile-prefix-map=" + t.Root + "=avirkit"}
}

// compileIn runs a compiler driver in a folder, or where mage runs if dir is
// empty.
func (t *target) compileIn(ctx context.Context, dir, job string, driver, args []string) error {
	_, err := run.Command{Name: driver[0], Args: append(driver[1:len(driver):len(driver)], args...), Dir: dir,
		Env: t.jobEnv(job), Unset: toolchain.Ambient}.Run(ctx)
	return err
}
