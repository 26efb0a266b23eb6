package build

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/run"
)

// A cFolder is a plugin's folder with sources in C or C++.
type cFolder struct {
	dir     string
	sources []string   // names in dir, those in subfolders not among them
	flags   []flagLine // out of FlagsFile
	simple  bool       // written for the simple API: avCommon.c belongs to it
	header  string     // name in dir of the file that names a plugin on the simple API
	below   []string   // sources in subfolders, compiled if FlagsFile names them
	copies  []string   // files of the SDK, in the author's copy
}

var (
	cNames     = regexp.MustCompile(`\.c$`)
	cxxNames   = regexp.MustCompile(`\.(cc|cpp|cxx|c\+\+|C)$`)
	headerName = regexp.MustCompile(`\.(h|hh|hpp|hxx)$`)
	sdkName    = regexp.MustCompile(`^av(Api\.h|Plugin\.h|Common\.[hc])$`)

	simpleInclude = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*include[ \t]*["<]av(Plugin|Common)\.h[">]`)
	shortcut      = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*define[ \t]+AVPLUGIN_SHORTCUT[ \t]+(?:"([^"\n]*)")?`)
)

// readCFolder returns the C and C++ sources in a folder, or nil when there are
// none or when the folder holds Go.
func readCFolder(dir string) (*cFolder, error) {
	f := &cFolder{dir: dir}
	headers, deeper, isGo, err := f.list()
	if err != nil || isGo {
		return nil, err
	}
	if f.flags, err = readFlags(filepath.Join(dir, FlagsFile)); err != nil {
		return nil, err
	}
	compiled := slices.Clone(f.sources)
	for _, p := range platform.All {
		a, err := f.arguments(p)
		if err != nil {
			return nil, err
		}
		compiled = append(compiled, a.sources...)
	}
	if len(compiled) == 0 {
		return nil, nil
	}
	for _, name := range append(headers, compiled...) {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		f.simple = f.simple || simpleInclude.Match(text)
		if shortcut.Match(text) && f.header == "" {
			f.header = name
		}
	}
	if slices.ContainsFunc(compiled, func(name string) bool { return filepath.Base(name) == "avCommon.c" }) {
		f.simple = false // the author brings a copy of the SDK
	}
	for _, name := range deeper {
		if !f.simple || f.header != "" {
			break
		}
		if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil && shortcut.Match(text) {
			f.header = name
		}
	}
	return f, nil
}

// list looks for sources and headers in the folder and below it, where hidden
// files and what builds make there don't count.
func (f *cFolder) list() (headers, deeper []string, isGo bool, err error) {
	root := f.dir + string(filepath.Separator) // with it, a link to a folder is followed
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name, relative := d.Name(), strings.TrimPrefix(path, root)
		top := name == relative
		isSource := cNames.MatchString(name) || cxxNames.MatchString(name)
		switch {
		case err != nil || path == root:
			return err
		case d.IsDir() && (strings.HasPrefix(name, ".") || relative == "dist"):
			return filepath.SkipDir
		case d.IsDir() || strings.HasPrefix(name, "."):
			return nil
		case top && (strings.HasSuffix(name, ".go") || name == "go.mod"):
			isGo = true
			return filepath.SkipAll
		case isSource && top:
			f.sources = append(f.sources, name)
		case isSource:
			f.below = append(f.below, relative)
		case headerName.MatchString(name) && top:
			headers = append(headers, name)
		case headerName.MatchString(name):
			deeper = append(deeper, relative)
		}
		if sdkName.MatchString(name) {
			f.copies = append(f.copies, relative)
		}
		return nil
	})
	return headers, deeper, isGo, err
}

// remarks tell the author what the build makes of files that could be meant
// otherwise.
func (f *cFolder) remarks() (lines []string) {
	few := func(names []string) string {
		if len(names) > 3 {
			return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
		}
		return strings.Join(names, ", ")
	}
	used := []string{"."} // the folders in which the compiler looks first
	named := false
	for _, p := range platform.All {
		a, _ := f.arguments(p) // readCFolder has seen its errors
		named = named || len(a.sources) > 0
		for _, source := range a.sources {
			used = append(used, filepath.Dir(source))
		}
		for _, word := range a.preprocess {
			used = append(used, filepath.Clean(strings.TrimPrefix(word, "-I")))
		}
	}
	copies := slices.DeleteFunc(slices.Clone(f.copies), func(name string) bool { return !slices.Contains(used, filepath.Dir(name)) })
	if len(copies) > 0 {
		lines = append(lines, fmt.Sprintf("takes %s from %s, not avirkit's, which guards the host from more: remove them there to get avirkit's", few(copies), f.dir))
	}
	if len(f.below) > 0 && !named {
		lines = append(lines, fmt.Sprintf("leaves out %s: sources in subfolders are compiled if %s names them, such as %s/*%s", few(f.below), FlagsFile, filepath.Dir(f.below[0]), filepath.Ext(f.below[0])))
	}
	return lines
}

// check finds before a build what its tools, or the host, would say less
// clearly, and prints the remarks.
func (p Plugin) check(platforms ...*platform.Platform) error {
	f, name := p.c, p.Name
	if f == nil {
		return nil
	}
	for _, p := range platforms {
		if err := f.checkInputs(p); err != nil {
			return err
		}
	}
	for _, line := range f.remarks() {
		run.Printf("  !! %s %s", name, line)
	}
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

// buildC compiles and links a plugin in C or C++ into out, with its symbols.
func (t *target) buildC(ctx context.Context, p Plugin, out, objects string) error {
	f := p.c
	a, err := f.arguments(t.platform)
	if err != nil {
		return err
	}
	sources := append(slices.Clone(f.sources), a.sources...)
	need, err := t.needCXX(a.link, linkInputs(f.dir, a.link))
	if err != nil {
		return err
	}
	driver := t.compiler.CC
	var runtime []string
	hasCXX := slices.ContainsFunc(sources, cxxNames.MatchString)
	if hasCXX || need {
		driver = t.compiler.CXX
		if runtime, err = t.cxxRuntime(ctx, p.Name, filepath.Dir(objects)); err != nil {
			return err
		}
	}
	var linked []string
	compile := func(source string, driver []string, more ...string) error {
		object := filepath.Join(objects, fmt.Sprintf("%d-%s.o", len(linked), filepath.Base(source)))
		linked = append(linked, object)
		args := slices.Concat(t.cFlags(p), a.preprocess, more, []string{"-I" + t.simpleAPI(), "-c", "-o", object, source})
		return t.compileIn(ctx, f.dir, p.Name, driver, args)
	}
	for _, source := range sources {
		driver, own := t.compiler.CC, a.c
		if cxxNames.MatchString(source) {
			driver, own = t.compiler.CXX, a.cxx
		}
		if err := compile(source, driver, own...); err != nil {
			return err
		}
	}
	if f.simple {
		// The header goes in front, so that avCommon.c knows the plugin's name. A
		// header for C++ alone names it in an object of its own.
		common, named := filepath.Join(t.simpleAPI(), "avCommon.c"), []string{"-include", f.header}
		if !headerName.MatchString(f.header) {
			named = nil // a source, which names it by itself
		}
		err := compile(common, t.compiler.CC, append([]string{"-std=gnu99"}, named...)...)
		if err != nil && hasCXX {
			linked = linked[:len(linked)-1]
			err = compile(common, t.compiler.CC, "-std=gnu99")
			if err == nil {
				err = compile(filepath.Join(t.simpleAPI(), "avPlugin.h"), t.compiler.CXX, append(slices.Concat(a.cxx, named), "-x", "c++")...)
			}
		}
		if err != nil {
			return err
		}
	}
	args := []string{"-shared", "-pthread", "-Wl,-z,now", "-Wl,-z,nodelete", "-o", out}
	args = slices.Concat(args, linked, a.link, runtime, t.linkFlags(t.exportScript()))
	return t.compileIn(ctx, f.dir, p.Name, driver, args)
}

// simpleAPI is the folder of the C headers and of avCommon.c.
func (b *builder) simpleAPI() string { return filepath.Join(b.Root, "api", "c") }

// cFlags are the compiler's flags for a plugin's sources. No path of this
// machine gets into the library, nor does the name of the author's folder.
func (t *target) cFlags(p Plugin) []string {
	flags := []string{"-O2", "-g", "-fPIC", "-pthread", "-iquote", ".", "-DAVPLUGIN_VERSION=" + strconv.Quote(t.version()),
		"-ffile-prefix-map=" + p.c.dir + "=" + p.Name, "-ffile-prefix-map=" + t.Root + "=avirkit"}
	if t.compiler.LLD { // clang, which takes a map's first = for the one between
		flags = append(flags, "-ffile-compilation-dir="+p.Name)
	}
	return flags
}

// compileIn runs a compiler driver in a folder, or where mage runs if dir is
// empty.
func (t *target) compileIn(ctx context.Context, dir, job string, driver, args []string) error {
	_, err := run.Command{Name: driver[0], Args: append(driver[1:len(driver):len(driver)], args...), Dir: dir,
		Env: t.jobEnv(job), Unset: toolchain.Ambient}.Run(ctx)
	return err
}
