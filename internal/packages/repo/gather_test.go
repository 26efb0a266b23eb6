package repo

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/run"
)

// printed returns what f prints.
func printed(t *testing.T, f func()) string {
	t.Helper()
	var b bytes.Buffer
	before := run.Out
	defer func() { run.Out = before }()
	run.Out = &b
	f()
	return b.String()
}

func TestAnIndexIsNeverOlderThanThePublishedOne(t *testing.T) {
	out := filepath.Join(t.TempDir(), "repo")
	later := epoch.Add(48 * time.Hour)
	o := Options{Packages: build(t, "1.1.0", nil), Out: out, Published: out, URL: "https://example.org/a", Epoch: later}
	require.NoError(t, Build(t.Context(), o))
	o.Packages, o.Epoch = build(t, "1.0.1", nil), epoch // from a branch that is older
	text := printed(t, func() { require.NoError(t, Build(t.Context(), o)) })
	assert.Contains(t, text, "time of the published ones")
	assert.Contains(t, text, "kept of what was published: 1.1.0")
	assert.Contains(t, read(t, out, "apt/dists/stable/Release"), "Date: Thu, 16 Nov 2023 22:13:20 UTC\n")
	assert.Contains(t, read(t, out, "yum/repodata/repomd.xml"), "<revision>1700172800</revision>")

	require.NoError(t, os.WriteFile(filepath.Join(out, suite, "Release"), []byte("Suite: stable\nDate: soon\n"), 0o644))
	assert.ErrorContains(t, Build(t.Context(), o), "read the date of")
}

func TestAPublishedVersionDoesNotChange(t *testing.T) {
	out := filepath.Join(t.TempDir(), "repo")
	o := Options{Packages: build(t, "1.0.0", nil), Out: out, Published: out, URL: "https://example.org/a", Epoch: epoch}
	require.NoError(t, Build(t.Context(), o))
	require.NoError(t, Build(t.Context(), o), "the same once more")
	before := read(t, out, "yum/repodata/repomd.xml")

	o.Packages = build(t, "1.0.0", key(t)) // signed ones are others
	other := o
	other.Out, other.Named = filepath.Join(t.TempDir(), "repo"), true
	assert.ErrorContains(t, Build(t.Context(), other), "which clients may have: raise VERSION")
	assert.NoDirExists(t, other.Out)
	assert.Equal(t, before, read(t, out, "yum/repodata/repomd.xml"))
	other.Out = out
	assert.ErrorContains(t, Build(t.Context(), other), "raise VERSION", "published from where it is made")
	assert.NoError(t, Build(t.Context(), o), "a developer's own folder")
	assert.NotEqual(t, before, read(t, out, "yum/repodata/repomd.xml"))
}

func TestASignedRepositoryIsNotReplacedByAnUnsignedOne(t *testing.T) {
	s := key(t)
	out := filepath.Join(t.TempDir(), "repo")
	o := Options{Packages: build(t, "1.0.0", nil), Out: out, Published: out, URL: "https://example.org/a", Epoch: epoch}
	require.NoError(t, Build(t.Context(), o), "a trial without a key")
	o.Packages, o.Signer = build(t, "1.0.0", s), s
	require.NoError(t, Build(t.Context(), o), "the same packages, signed")
	before := read(t, out, "apt/dists/stable/InRelease")
	o.Signer = nil
	assert.ErrorContains(t, Build(t.Context(), o), "is signed, and there is no key now")
	assert.Equal(t, before, read(t, out, "apt/dists/stable/InRelease"))
}

func TestAPublishedFolderMustBeWhole(t *testing.T) {
	o := Options{Packages: build(t, "1.0.0", nil), Out: filepath.Join(t.TempDir(), "repo"), URL: "https://example.org/a", Epoch: epoch}
	require.NoError(t, Build(t.Context(), o))
	o.Published, o.Named, o.Out = o.Out, true, filepath.Join(t.TempDir(), "repo")
	require.NoError(t, Build(t.Context(), o))
	for _, part := range []string{"yum", "apt/dists/stable/Release", "apt/pool"} {
		require.NoError(t, os.RemoveAll(filepath.Join(o.Published, part)))
		assert.Error(t, Build(t.Context(), o), part)
	}
}

func TestURLsThatBreakTheFilesAreRefused(t *testing.T) {
	for _, good := range []string{"https://h/a", "http://h:8080", "file:///srv/repo"} {
		assert.NoError(t, checkURL(good), good)
	}
	for _, bad := range []string{"", "https://", "http:foo", "https://h/?x=1", "https://h/a#b", "ftp://h/", "file://h/x", "file:x", "https://h/a b", "//h/a"} {
		assert.ErrorContains(t, checkURL(bad), URLVariable, bad)
	}
}

func TestASignedRepositoryHoldsNothingThatTheKeyHasNotSigned(t *testing.T) {
	s := key(t)
	published := filepath.Join(t.TempDir(), "published")
	o := Options{Packages: build(t, "0.9.0", nil), Out: published, URL: "https://example.org/a", Epoch: epoch}
	require.NoError(t, Build(t.Context(), o))
	unsigned := o.Packages

	o = Options{Packages: build(t, "1.0.0", s), Out: filepath.Join(t.TempDir(), "repo"), URL: o.URL, Epoch: epoch, Signer: s}
	o.Published = published
	assert.ErrorContains(t, Build(t.Context(), o), "nobody has signed that index")
	assert.NoDirExists(t, o.Out)

	o.Published = ""
	require.NoError(t, Build(t.Context(), o), "alone they are good")
	mixed := o
	mixed.Packages = t.TempDir()
	require.NoError(t, os.CopyFS(mixed.Packages, os.DirFS(unsigned)))
	require.NoError(t, os.Link(filepath.Join(o.Packages, "kerio-connect-avir-clam-1.0.0-1.i686.rpm"), filepath.Join(mixed.Packages, "kerio-connect-avir-clam-1.0.0-1.i686.rpm")))
	err := Build(t.Context(), mixed)
	require.ErrorContains(t, err, ", kerio-connect-avir-clam-0.9.0-1.i686.rpm, ")
	assert.NotContains(t, err.Error(), "1.0.0", "only those that are not signed are named")

	stranger := o
	stranger.Packages, stranger.Signer = build(t, "1.0.0", s), key(t)
	assert.ErrorContains(t, Build(t.Context(), stranger), "kerio-connect-avir-clam-1.0.0-1.i686.rpm", "another key of ours")
	stranger.Packages, stranger.Published = build(t, "1.1.0", stranger.Signer), o.Out
	assert.ErrorContains(t, Build(t.Context(), stranger), "InRelease: it is not signed by a key that clients trust")
}

func TestAWrongFolderOfPublishedPackagesIsRefused(t *testing.T) {
	o := Options{
		Packages: build(t, "1.0.0", nil), Out: filepath.Join(t.TempDir(), "repo"), URL: "https://example.org/a", Epoch: epoch,
		Published: filepath.Join(t.TempDir(), "none"), Named: true,
	}
	assert.ErrorContains(t, Build(t.Context(), o), PublishedVariable)
}

func TestAPrereleaseIsAnnounced(t *testing.T) {
	o := Options{Out: filepath.Join(t.TempDir(), "repo"), URL: "https://example.org/a", Epoch: epoch}
	for version, want := range map[string]bool{"1.0.0": false, "1.1.0-rc.1": true} {
		o.Packages = build(t, version, nil)
		text := printed(t, func() { require.NoError(t, Build(t.Context(), o)) })
		assert.Equal(t, want, bytes.Contains([]byte(text), []byte("is a prerelease")), text)
	}
}
