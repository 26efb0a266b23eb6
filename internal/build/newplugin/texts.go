package newplugin

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/run"
)

// ownTexts are the files that no sample has: the data of the packages, and
// what tells the vendor how to go on.
func (o Options) ownTexts() (map[string]string, error) {
	terms, err := o.terms()
	if err != nil {
		return nil, err
	}
	packaging := func(names ...string) string { return path.Join(append([]string{"packaging"}, names...)...) }
	texts := map[string]string{
		"VERSION":                       "0.1.0\n",
		".gitignore":                    "/dist/\nav_test_data/\n",
		"README.md":                     readme,
		packaging("packages.yml"):       packagesData,
		packaging("changelog.yml"):      changelog,
		packaging("copyright"):          copyright + linked[o.Language] + "\n" + terms,
		packaging("PACKAGE/plugin.yml"): pluginData,
		packaging("PACKAGE/README"):     packageReadme,
		packaging("PACKAGE/next-steps"): nextSteps,
	}
	if o.Language != "go" {
		texts["build.flags"] = flags()
	}
	now := time.Now().UTC()
	fill := strings.NewReplacer("NAME", o.Name, "PACKAGE", build.InPackageName(o.Name), "CHECKOUT", run.Quote(o.Root), "YEAR", now.Format("2006"), "TODAY", now.Format("2006-01-02"))
	filled := map[string]string{}
	for name, text := range texts {
		filled[fill.Replace(name)] = fill.Replace(text)
	}
	return filled, nil
}

// terms is the licence of avirkit and of Go, which what they are linked into
// must repeat.
func (o Options) terms() (string, error) {
	file := filepath.Join(o.Root, "packaging", "copyright")
	ours, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	_, terms, found := strings.Cut(string(ours), "{{.Copyright}}\n")
	if !found {
		return "", fmt.Errorf("%s has no licence behind the plugin's own stanzas", file)
	}
	return terms, nil
}

const readme = `# avir_NAME

An antivirus plugin for Kerio Connect and Kerio Control, built with avirkit.
It has no engine yet: it knows the test harness's samples by their names.

In the checkout of avirkit:

    cd CHECKOUT
    go tool mage build -plugin=THIS_FOLDER      # dist/ here: the library for each platform, and the harness
    go tool mage test -plugin=THIS_FOLDER       # its own tests and the harness's
    go tool mage package -plugin=THIS_FOLDER    # dist/packages/: .deb and .rpm

Next: put the engine behind the functions of the sample, and answer "OK" only
for what was scanned to the end. docs/vendor.md of avirkit explains the rest.

What the packages say stands in packaging/: who makes them (packages.yml), what
changed (changelog.yml), the licence (copyright), and what the plugin is
(NAME/). VERSION is the version of the library and of its packages.
`

const packagesData = `# Who makes the packages. The products that they are made for are avirkit's.
vendor: NAME
maintainer: The maintainers of NAME <maintainers@PACKAGE.example>
homepage: https://PACKAGE.example
license: Proprietary
`

const changelog = `# The changelog of both kinds of packages. Newest first; a change has at most 76
# characters.
- version: 0.1.0
  date: TODAYT00:00:00Z
  changes:
    - First version.
`

const copyright = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: NAME

Files: *
Copyright: YEAR the maintainers of NAME
License: Proprietary
 Write here what users may do with the plugin.

Files: avirkit's SDK, linked into the library
Copyright: 2026 the avirkit authors
License: BSD-3-Clause
`

// linked are the stanzas for what each language brings into the library.
var linked = map[string]string{
	"go": `
Files: Go's runtime and standard library, linked into the library
Copyright: 2009 The Go Authors
License: BSD-3-Clause
`,
	"c++": `
Files: LLVM's C++ library, linked into the library where zig builds it
Copyright: the LLVM contributors
License: Apache-2.0 with LLVM exception
 The exception frees a library that was compiled with it from these terms.

Files: GCC's C++ library, linked into the library where gcc builds it
Copyright: Free Software Foundation, Inc.
License: GPL-3+ with GCC Runtime Library exception
 The exception frees a library that was compiled with it from these terms.
`,
}

const pluginData = `library: avir_NAME.so
summary: NAME antivirus for
description: |-
  This plugin lets the antivirus server of {{.Product.Name}} scan with NAME.

  It is a {{.Bits}}-bit library, for a {{.Bits}}-bit antivirus server.
`

const packageReadme = `avir_NAME: an antivirus plugin for {{.Product.Name}}
{{.Rule}}

{{.File}}
lets {{.Product.Name}} scan with NAME.

This is the {{.Bits}}-bit library. A {{.Other.Bits}}-bit antivirus server needs the package for
{{.Other.Deb}} (Debian) or {{.Other.RPM}} (Red Hat).
`

const nextSteps = `In the administration console, {{.Product.Console}},
the antivirus avir_NAME can now be chosen. If the console does not list it yet,
restart {{.Product.Name}} when it suits you: this package never does.
`

func flags() string {
	text := `# Further arguments for the compiler and the linker, as in a shell, and sources
# in subfolders. Paths start in this folder:
#   -Iengine/include -DENGINE_VERSION=7 engine/*.c
`
	for _, p := range platform.All {
		text += fmt.Sprintf("#   %s: engine/%[1]s/libengine.a\n", p.Name)
	}
	return text
}
