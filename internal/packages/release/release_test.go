package release

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xeipuuv/gojsonschema"

	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/packages/repo"
	"github.com/avirkit/avirkit/internal/packages/signing"
	"github.com/avirkit/avirkit/internal/run"
)

var epoch = time.Unix(1_700_000_000, 0)

// signed makes a throw-away key, of 2048 bits for speed.
func signed(t *testing.T) *signing.Keys {
	t.Helper()
	s, err := signing.Throwaway(filepath.Join(t.TempDir(), "key"), 2048, epoch)
	require.NoError(t, err)
	return s
}

func TestAReleaseHoldsPackagesArchivesNotesChecksumsAndAKey(t *testing.T) {
	r := released(t)
	o, m, dir := r.options, r.manifest, r.options.Out
	stem := "avirkit-" + o.Packages.Version.String()
	var others []string
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, f := range files {
		if ext := filepath.Ext(f.Name()); ext != ".deb" && ext != ".rpm" {
			others = append(others, f.Name())
		}
	}
	assert.Len(t, files, 30+len(others), "packages for three plugins and two products, and the tools, for two platforms, and the keys, in two formats")
	assert.Equal(t, []string{
		"RELEASE-NOTES.md", "SHA256SUMS", "SHA256SUMS.asc", stem + "-debug.tar.gz", stem + "-linux-386.tar.gz", stem + "-linux-amd64.tar.gz", stem + "-repo.tar.gz",
		stem + ".cdx.json", stem + ".openvex.json", "avirkit.asc", "manifest.json",
	}, others)

	check := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	check.Dir = dir
	out, err := check.CombinedOutput()
	assert.NoErrorf(t, err, "%s", out)
	assert.Equal(t, len(files)-2, strings.Count(string(out), ": OK"), "all but the sums themselves and their signature")
	keyring := filepath.Join(o.Repo.Out, "avirkit.gpg")
	out, err = exec.Command("gpgv", "--keyring", keyring, filepath.Join(dir, "SHA256SUMS.asc"), filepath.Join(dir, "SHA256SUMS")).CombinedOutput()
	assert.NoErrorf(t, err, "%s", out)

	notes, err := os.ReadFile(filepath.Join(dir, "RELEASE-NOTES.md"))
	require.NoError(t, err)
	assert.NotContains(t, string(notes), "NOT A RELEASE")
	entry := packages.ChangelogEntry{Version: "1.0.0", Changes: []string{"Something."}}
	assert.Contains(t, string(parts{manifest: m, entry: entry, rehearsal: []string{"it is a test"}}.notes(o)), "NOT A RELEASE: it is a test.\n")
	history, err := packages.LoadChangelog("../../../packaging")
	require.NoError(t, err)
	for _, change := range packages.HistoryOf(history, o.Packages.Version)[0].Changes {
		assert.Contains(t, string(notes), "- "+change+"\n")
	}
	assert.Contains(t, string(notes), signing.Fingerprint(o.Packages.Signer))
	assert.Contains(t, string(notes), m.Compiler)
	assert.Contains(t, string(notes), "Remark: second test leaves something out.\n")
}

func TestTheArchiveIsTheSameWhateverTheFilesTimesAre(t *testing.T) {
	from := filepath.Join(released(t).options.Work, "gcc", build.DirDebug)
	packed := func(from string) []byte {
		t.Helper()
		archive := filepath.Join(t.TempDir(), "name.tar.gz")
		require.NoError(t, pack(t.Context(), from, archive, epoch))
		data, err := os.ReadFile(archive)
		require.NoError(t, err)
		return data
	}
	first := packed(from)
	again := filepath.Join(t.TempDir(), "debug")
	out, err := exec.Command("cp", "-r", "--no-preserve=all", from, again).CombinedOutput()
	require.NoErrorf(t, err, "%s", out)
	assert.True(t, bytes.Equal(first, packed(again)))

	z, err := gzip.NewReader(bytes.NewReader(first))
	require.NoError(t, err)
	var names, links []string
	for archive := tar.NewReader(z); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		names = append(names, h.Name)
		if h.Typeflag == tar.TypeSymlink {
			links = append(links, h.Linkname)
		}
	}
	assert.Contains(t, names, "name/linux-386/avir_clam.so.debug")
	assert.Contains(t, strings.Join(links, " "), "avir_clam.so.debug", "gdb's link by build id")
}

func TestTheBillOfMaterialsIsValidAndComplete(t *testing.T) {
	r := released(t)
	o, dir := r.options, r.options.Out
	name := "avirkit-" + o.Packages.Version.String() + ".cdx.json"
	data, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	validate(t, data)

	var doc cdx.BOM
	require.NoError(t, cdx.NewBOMDecoder(bytes.NewReader(data), cdx.BOMFileFormatJSON).Decode(&doc))
	known := map[string]cdx.Component{doc.Metadata.Component.BOMRef: *doc.Metadata.Component}
	for _, c := range *doc.Components {
		assert.NotContains(t, known, c.BOMRef, "every part is there once")
		known[c.BOMRef] = c
		require.NotNil(t, c.Licenses, c.Name)
	}
	for _, d := range *doc.Dependencies {
		assert.Contains(t, known, d.Ref)
		for _, on := range *orNone(d.Dependencies) {
			assert.Contains(t, known, on)
		}
	}
	require.Contains(t, known, "pkg:golang/stdlib@1.23.12")
	assert.Equal(t, "BSD-3-Clause", (*known["pkg:golang/stdlib@1.23.12"].Licenses)[0].License.ID)
	sums, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
	require.NoError(t, err)
	for line := range strings.Lines(string(sums)) {
		sum, file, _ := strings.Cut(strings.TrimSpace(line), "  ")
		if ext := filepath.Ext(file); ext == ".deb" || ext == ".rpm" {
			assert.Equal(t, sum, (*known["file:"+file].Hashes)[0].Value, file)
		}
	}
	again, err := billOfMaterials(o, r.manifest)
	require.NoError(t, err)
	assert.Equal(t, string(data), string(again), "the same each time")
}

func orNone(list *[]string) *[]string {
	if list == nil {
		return &[]string{}
	}
	return list
}

// validate checks the document against CycloneDX's own schema, which comes
// with its Go library.
func validate(t *testing.T, data []byte) {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	require.NoError(t, err)
	var spec struct {
		Version string `json:"specVersion"`
	}
	require.NoError(t, json.Unmarshal(data, &spec))
	dir := filepath.Join(strings.TrimSpace(string(out)), "schema")
	local := func(name string) gojsonschema.JSONLoader {
		return gojsonschema.NewReferenceLoader("file://" + filepath.Join(dir, name))
	}
	// The schema names two others by addresses in the network.
	loader := gojsonschema.NewSchemaLoader()
	require.NoError(t, loader.AddSchema("http://cyclonedx.org/schema/jsf-0.82.schema.json", local("jsf-0.82.schemax.json")))
	require.NoError(t, loader.AddSchema("http://cyclonedx.org/schema/spdx.schema.json", local("spdx.schema.json")))
	schema, err := loader.Compile(local("bom-" + spec.Version + ".schema.json"))
	require.NoError(t, err)
	result, err := schema.Validate(gojsonschema.NewBytesLoader(data))
	require.NoError(t, err)
	assert.True(t, result.Valid(), "%v", result.Errors())
}

func TestTheBillFindsAPluginWithAnUnderscoreInItsPackages(t *testing.T) {
	data := &packages.Data{
		Products: map[string]packages.Product{"connect": {Package: "kerio-connect"}},
		Plugins:  map[string]packages.Plugin{"my_av": {Library: "avir_my_av.so"}},
	}
	v, err := packages.ParseVersion("1.0.0-rc.1")
	require.NoError(t, err)
	holds := inPackages(data, v)
	assert.Equal(t, "file:linux-386/avir_my_av.so", holds["kerio-connect-avir-my-av_1.0.0~rc.1_i386.deb"])
	assert.Equal(t, "file:linux-amd64/avir_my_av.so", holds["kerio-connect-avir-my-av-1.0.0-0.rc1.x86_64.rpm"])
}

func TestBothToolchainsMustMakeTheSamePlugin(t *testing.T) {
	r := released(t)
	m, dist := r.manifest, r.options.Packages.Dist
	a := side{m, dist}
	require.NoError(t, compare(t.Context(), a, a))

	other := *m
	other.Libraries = append([]build.Library(nil), m.Libraries...)
	report := *other.Libraries[0].Audit
	report.Exports = append(report.Exports, "one_more")
	other.Libraries[0].Audit = &report
	err := compare(t.Context(), a, side{&other, dist})
	assert.ErrorContains(t, err, "the toolchains made different avir_")
	assert.ErrorContains(t, err, "one_more")

	other.Libraries = other.Libraries[:1]
	assert.ErrorContains(t, compare(t.Context(), a, side{&other, dist}), "libraries")
}

func TestAVersionWithoutAChangelogEntryIsNotReleased(t *testing.T) {
	v, err := packages.ParseVersion("99.0.0")
	require.NoError(t, err)
	o := Options{Out: filepath.Join(t.TempDir(), "release"), Packages: packages.Options{Data: "../../../packaging", Version: v}}
	o.Tests = []Test{{"a test", func(context.Context) ([]string, error) { t.Fatal("nothing is to be tested"); return nil, nil }}}
	assert.ErrorContains(t, Run(t.Context(), o), "has no entry for version 99.0.0")
	assert.NoDirExists(t, o.Out)
}

func TestWhatMakesItARehearsalIsSaid(t *testing.T) {
	root := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		out, err := exec.Command("git", append([]string{"-C", root, "-c", "user.name=t", "-c", "user.email=t@example.org"}, args...)...).CombinedOutput()
		require.NoErrorf(t, err, "%s", out)
	}
	git("init", "-q")
	git("commit", "-q", "--allow-empty", "-m", "a commit")
	v, err := packages.ParseVersion("1.2.0")
	require.NoError(t, err)
	t.Setenv(repo.URLVariable, "")
	t.Setenv(repo.PublishedVariable, "")
	o := Options{Root: root, Packages: packages.Options{Version: v, Dist: filepath.Join(root, "dist")}}
	o.Repo, err = repo.FromEnvironment(o.Packages)
	require.NoError(t, err)
	o.Repo.Published = ""
	var b bytes.Buffer
	before := run.Out
	run.Out = &b
	defer func() { run.Out = before }()

	reasons, err := remark(t.Context(), o)
	require.NoError(t, err)
	assert.Len(t, reasons, 3)
	for _, want := range []string{"unsigned", "no tag v1.2.0", "example.org/avirkit; set AVIR_REPO_URL", "this version only: set AVIR_REPO_PUBLISHED"} {
		assert.Contains(t, b.String(), want)
	}
	git("tag", "v1.2.0")
	o.Packages.Signer, o.Repo.URL, o.Repo.Published = signed(t), "https://example.org/a", root
	b.Reset()
	reasons, err = remark(t.Context(), o)
	require.NoError(t, err)
	assert.Empty(t, reasons)
	assert.Empty(t, b.String())

	extra := filepath.Join(root, "extra.go")
	require.NoError(t, os.WriteFile(extra, []byte("package p\n"), 0o644))
	reasons, err = remark(t.Context(), o)
	require.NoError(t, err)
	assert.Equal(t, []string{"the checkout has changes or files that are not committed (?? extra.go)"}, reasons)
	git("add", "extra.go")
	git("commit", "-q", "-m", "another")
	_, err = remark(t.Context(), o)
	assert.ErrorContains(t, err, "v1.2.0 is the tag of another commit")
}
