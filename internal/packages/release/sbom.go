package release

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"debug/elf"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/uuid"

	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/packages"
)

// billOfMaterials returns the CycloneDX document of the release: the
// packages, the libraries in them, and the Go modules linked into those, as
// the libraries themselves tell.
func billOfMaterials(o Options, m *build.Manifest) ([]byte, error) {
	version := o.Packages.Version.String()
	data, err := packages.Load(o.Packages.Data)
	if err != nil {
		return nil, err
	}
	b := &bill{
		version: version, known: map[string]bool{},
		product: cdx.Component{
			BOMRef: "pkg:generic/avirkit@" + version, Type: cdx.ComponentTypeApplication, Name: "avirkit", Version: version,
			Supplier: &cdx.OrganizationalEntity{Name: data.Vendor}, Licenses: licenses(data.License),
			ExternalReferences: &[]cdx.ExternalReference{{Type: cdx.ERTypeWebsite, URL: data.Homepage}},
		},
	}
	var shipped []string
	for _, l := range m.Libraries {
		ref, err := b.library(o.Packages.Dist, l.Platform, l.Name+".so", data.License)
		if err != nil {
			return nil, err
		}
		shipped = append(shipped, ref)
	}
	for _, p := range platform.All {
		ref, err := b.library(o.Packages.Dist, p.Name, avirctl, data.License)
		if err != nil {
			return nil, err
		}
		shipped = append(shipped, ref)
	}
	for _, folder := range append(slices.Sorted(maps.Keys(data.Plugins)), "tools") {
		terms, err := packages.Licenses(data, folder)
		if err != nil {
			return nil, fmt.Errorf("read what %s is licensed under: %w", folder, err)
		}
		b.license(terms)
	}
	files, err := os.ReadDir(o.Packages.Out)
	if err != nil {
		return nil, fmt.Errorf("list the packages: %w", err)
	}
	holds := inPackages(data, o.Packages.Version)
	for _, f := range files {
		ref, err := b.packageFile(filepath.Join(o.Packages.Out, f.Name()), data.License, holds)
		if err != nil {
			return nil, err
		}
		shipped = append(shipped, ref)
	}
	b.depends(b.product.BOMRef, shipped)
	return b.encode(o.Packages.Epoch, tools(m))
}

// avirctl is the program of the tools' packages. It tells of its modules as the
// libraries do.
const avirctl = "avirctl"

// bill collects the parts of the document.
type bill struct {
	version      string
	product      cdx.Component
	components   []cdx.Component
	dependencies []cdx.Dependency
	known        map[string]bool
}

func (b *bill) depends(ref string, on []string) {
	b.dependencies = append(b.dependencies, cdx.Dependency{Ref: ref, Dependencies: &on})
}

// library adds a platform's library and the Go modules in it.
func (b *bill) library(dist, platform, name, license string) (ref string, err error) {
	path := filepath.Join(dist, platform, name)
	info, err := goModules(path)
	if err != nil {
		return "", fmt.Errorf("read what %s is made of: %w", path, err)
	}
	hashes, err := hash(path)
	if err != nil {
		return "", err
	}
	ref = libraryRef(platform, name)
	b.components = append(b.components, cdx.Component{
		BOMRef: ref, Type: cdx.ComponentTypeLibrary, Name: name, Version: b.version, Hashes: hashes, Licenses: licenses(license),
	})
	if info == nil {
		b.depends(ref, []string{})
		return ref, nil
	}
	parts := []string{b.module("stdlib", strings.TrimPrefix(info.GoVersion, "go"), "")}
	for _, d := range info.Deps {
		version, sum := d.Version, d.Sum
		if d.Replace != nil { // a module of this repository
			version, sum = b.version, d.Replace.Sum
		}
		parts = append(parts, b.module(d.Path, version, sum))
	}
	b.depends(ref, parts)
	return ref, nil
}

// goModules returns what a library or program says of its Go modules, nil for
// one in C.
func goModules(path string) (*buildinfo.BuildInfo, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if f.Section(".go.buildinfo") == nil {
		return nil, nil
	}
	return buildinfo.ReadFile(path)
}

func libraryRef(platform, name string) string { return "file:" + platform + "/" + name }

// module adds a Go module, once.
func (b *bill) module(path, version, sum string) (ref string) {
	ref = "pkg:golang/" + path + "@" + version
	if b.known[ref] {
		return ref
	}
	b.known[ref] = true
	c := cdx.Component{BOMRef: ref, Type: cdx.ComponentTypeLibrary, Name: path, Version: version, PackageURL: ref}
	if sum != "" {
		// A hash of the module's tree, not of a file.
		c.Properties = &[]cdx.Property{{Name: "go.sum", Value: sum}}
	}
	b.components = append(b.components, c)
	b.dependencies = append(b.dependencies, cdx.Dependency{Ref: ref})
	return ref
}

// license sets the licences of modules.
func (b *bill) license(terms map[string]string) {
	for i, c := range b.components {
		if term, ok := terms[c.Name]; ok {
			b.components[i].Licenses = licenses(term)
		}
	}
}

// packageFile adds a package, with the library or program that it holds.
func (b *bill) packageFile(path, license string, holds map[string]string) (ref string, err error) {
	hashes, err := hash(path)
	if err != nil {
		return "", err
	}
	name := filepath.Base(path)
	ref = "file:" + name
	b.components = append(b.components, cdx.Component{
		BOMRef: ref, Type: cdx.ComponentTypeFile, Name: name, Version: b.version, Hashes: hashes, Licenses: licenses(license),
	})
	switch held := holds[name]; {
	case held != "":
		b.depends(ref, []string{held})
	case !strings.HasPrefix(name, packages.KeyringName): // which holds nothing that was built
		return "", fmt.Errorf("%s belongs to no plugin", path)
	}
	return ref, nil
}

// inPackages says which library or program each package holds, by file name.
func inPackages(data *packages.Data, v packages.Version) map[string]string {
	holds := map[string]string{}
	for _, p := range platform.All {
		note := func(name, file string) {
			deb, rpm := packages.FileNames(name, v, p)
			holds[deb], holds[rpm] = libraryRef(p.Name, file), libraryRef(p.Name, file)
		}
		note(packages.ToolsName, avirctl)
		for _, product := range data.Products {
			for id, plugin := range data.Plugins {
				note(packages.PackageName(product, id), plugin.Library)
			}
		}
	}
	return holds
}

func (b *bill) encode(at time.Time, tools cdx.ToolsChoice) ([]byte, error) {
	doc := cdx.NewBOM()
	doc.Metadata = &cdx.Metadata{Timestamp: at.UTC().Format(time.RFC3339), Component: &b.product, Tools: &tools}
	doc.Components, doc.Dependencies = &b.components, &b.dependencies
	text := func() ([]byte, error) {
		var out bytes.Buffer
		if err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).Encode(doc); err != nil {
			return nil, fmt.Errorf("write the bill of materials: %w", err)
		}
		return out.Bytes(), nil
	}
	unnamed, err := text()
	if err != nil {
		return nil, err
	}
	// The same content gets the same number.
	doc.SerialNumber = uuid.NewSHA1(uuid.NameSpaceOID, unnamed).URN()
	return text()
}

// tools are what the libraries were compiled with.
func tools(m *build.Manifest) cdx.ToolsChoice {
	return cdx.ToolsChoice{Components: &[]cdx.Component{
		{Type: cdx.ComponentTypeApplication, Name: "go", Version: strings.TrimPrefix(m.Go, "go")},
		{Type: cdx.ComponentTypeApplication, Name: m.Toolchain, Version: m.Compiler},
	}}
}

func licenses(id string) *cdx.Licenses {
	return &cdx.Licenses{{License: &cdx.License{ID: id}}}
}

func hash(path string) (*[]cdx.Hash, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("hash a file of the release: %w", err)
	}
	return &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: fmt.Sprintf("%x", sha256.Sum256(data))}}, nil
}
