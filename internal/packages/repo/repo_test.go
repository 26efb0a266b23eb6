package repo

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/packages/signing"
)

var epoch = time.Unix(1_700_000_000, 0)

const suite = "apt/dists/stable"

// key makes a throw-away key, of 2048 bits for speed.
func key(t *testing.T) *signing.Keys {
	t.Helper()
	s, err := signing.Throwaway(filepath.Join(t.TempDir(), "key"), 2048, epoch)
	require.NoError(t, err)
	return s
}

// dist holds small libraries in C that all tests package, and data what says of
// the packages: of one plugin, since the others are made in the same way.
var dist, data string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "avirkit-repo-")
	if err == nil {
		data = filepath.Join(dir, "packaging")
		err = errors.Join(compile(dir), os.CopyFS(data, os.DirFS("../../../packaging")),
			os.RemoveAll(filepath.Join(data, "sample")), os.RemoveAll(filepath.Join(data, "csample")))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	dist = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func compile(dist string) error {
	source := filepath.Join(dist, "library.c")
	if err := os.WriteFile(source, []byte("#include <stdlib.h>\nvoid *f(void) { return malloc(1); }\n"), 0o644); err != nil {
		return err
	}
	for _, p := range platform.All {
		if err := os.Mkdir(filepath.Join(dist, p.Name), 0o755); err != nil {
			return err
		}
		out, err := exec.Command("gcc", p.GCCFlag, "-shared", "-fPIC", "-s", "-o", filepath.Join(dist, p.Name, "avir_clam.so"), source).CombinedOutput()
		if err != nil {
			return fmt.Errorf("gcc %s (Debian packages %s): %s", p.GCCFlag, p.GCCPackages, out)
		}
		for _, name := range []string{"avirctl", "avserver"} {
			if err := os.WriteFile(filepath.Join(dist, p.Name, name), []byte(name), 0o755); err != nil {
				return err
			}
		}
	}
	return nil
}

// build makes the packages of one version and returns their folder.
func build(t *testing.T, version string, s *signing.Keys) string {
	t.Helper()
	v, err := packages.ParseVersion(version)
	require.NoError(t, err)
	o := packages.Options{Data: data, Dist: dist, Out: filepath.Join(t.TempDir(), "packages"), Version: v, Epoch: epoch, Signer: s}
	require.NoError(t, packages.Build(t.Context(), o))
	return o.Out
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	require.NoError(t, err)
	return string(data)
}

func gunzip(t *testing.T, path string) string {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(read(t, path)))
	require.NoError(t, err)
	data, err := io.ReadAll(z)
	require.NoError(t, err)
	return string(data)
}

func TestPublishedVersionsStayWhenNewOnesCome(t *testing.T) {
	s := key(t)
	o := Options{Out: filepath.Join(t.TempDir(), "repo"), URL: "https://example.org/a", Epoch: epoch, Signer: s}
	o.Published = o.Out
	for _, version := range []string{"1.0.0", "1.1.0-rc.1", "1.1.0"} {
		o.Packages = build(t, version, s)
		require.NoError(t, Build(t.Context(), o))
	}
	index := read(t, o.Out, "apt/dists/stable/main/binary-i386/Packages")
	for _, version := range []string{"1.0.0", "1.1.0~rc.1", "1.1.0"} {
		assert.Equal(t, 3, strings.Count(index, "\nVersion: "+version+"\n"), version)
	}
	assert.NotContains(t, index, "Architecture: amd64")
	assert.Equal(t, 9, strings.Count(read(t, o.Out, "apt/dists/stable/main/binary-amd64/Packages"), "\nArchitecture: amd64\n"))
	assert.Equal(t, index, gunzip(t, filepath.Join(o.Out, "apt/dists/stable/main/binary-i386/Packages.gz")))
	primary, err := filepath.Glob(filepath.Join(o.Out, "yum/repodata/*-primary.xml.gz"))
	require.NoError(t, err)
	require.Len(t, primary, 1)
	assert.Equal(t, 18, strings.Count(gunzip(t, primary[0]), `<package type="rpm">`))

	release := read(t, o.Out, "apt/dists/stable/Release")
	assert.Contains(t, release, "Date: Tue, 14 Nov 2023 22:13:20 UTC\n")
	assert.Contains(t, release, "main/binary-i386/Packages.gz")
	assert.NotContains(t, release, "Packages.xz")
}

func TestTheKeyLiesBesideTheRepositories(t *testing.T) {
	s := key(t)
	o := Options{
		Packages: build(t, "1.0.0", s), Out: filepath.Join(t.TempDir(), "repo"), URL: "https://example.org/a", Epoch: epoch, Signer: s,
	}
	require.NoError(t, Build(t.Context(), o))
	binary, text, err := s.Public()
	require.NoError(t, err)
	assert.Equal(t, string(binary), read(t, o.Out, "avirkit.gpg"))
	assert.Equal(t, string(text), read(t, o.Out, "avirkit.asc"))
}

func TestAnUnsignedRepositoryHoldsNoSignature(t *testing.T) {
	o := Options{Packages: build(t, "1.0.0", nil), Out: filepath.Join(t.TempDir(), "repo"), URL: "https://example.org/a", Epoch: epoch}
	require.NoError(t, Build(t.Context(), o))
	for _, name := range []string{"apt/dists/stable/InRelease", "apt/dists/stable/Release.gpg", "yum/repodata/repomd.xml.asc", "avirkit.asc"} {
		assert.NoFileExists(t, filepath.Join(o.Out, name))
	}
}

func TestAFailureLeavesThePublishedRepository(t *testing.T) {
	o := Options{Packages: build(t, "1.0.0", nil), Out: filepath.Join(t.TempDir(), "repo"), URL: "https://example.org/a", Epoch: epoch}
	require.NoError(t, Build(t.Context(), o))
	before := read(t, o.Out, "apt/dists/stable/Release")

	o.Published, o.Packages = o.Out, t.TempDir()
	o.Epoch = epoch.Add(time.Hour)
	require.NoError(t, Build(t.Context(), o), "there are still the published ones")
	after := read(t, o.Out, "apt/dists/stable/Release")
	assert.NotEqual(t, before, after)

	for _, name := range []string{"broken-1.0-1.i686.rpm", "broken_1.0_i386.deb"} {
		broken := filepath.Join(o.Packages, name)
		require.NoError(t, os.WriteFile(broken, []byte("no package"), 0o644))
		o.Epoch = o.Epoch.Add(time.Hour)
		require.Error(t, Build(t.Context(), o), name)
		assert.Equal(t, after, read(t, o.Out, "apt/dists/stable/Release"))
		require.NoError(t, os.Remove(broken))
	}
	left, err := os.ReadDir(filepath.Dir(o.Out))
	require.NoError(t, err)
	assert.Len(t, left, 1, "nothing is left beside it")
}

func TestWithoutPackagesTheErrorNamesTheTarget(t *testing.T) {
	o := Options{Packages: t.TempDir(), Out: filepath.Join(t.TempDir(), "repo"), URL: "https://example.org/a", Epoch: epoch}
	assert.ErrorContains(t, Build(t.Context(), o), "go tool mage package")
	assert.NoDirExists(t, o.Out)
}

func TestAPlaceThatWouldBreakTheFilesIsRefused(t *testing.T) {
	for _, url := range []string{"", "example.org", "ftp://example.org", "https://example.org/a b", "https://example.org/\nTrusted: yes", "https://x/$(arch)"} {
		assert.ErrorContains(t, checkURL(url), "AVIR_REPO_URL", url)
	}
	for _, url := range []string{"https://example.org/a", "http://10.0.0.1:8080", "file:///srv/repo"} {
		assert.NoError(t, checkURL(url), url)
	}
}

func TestThePlaceComesFromTheEnvironment(t *testing.T) {
	p := packages.Options{Dist: "/dist", Out: "/dist/packages", Epoch: epoch}
	t.Setenv(URLVariable, "https://example.org/mine/")
	o, err := FromEnvironment(p)
	require.NoError(t, err)
	assert.Equal(t, Options{Packages: "/dist/packages", Out: "/dist/repo", URL: "https://example.org/mine", Epoch: epoch, Published: "/dist/repo"}, o)
	t.Setenv(PublishedVariable, "/srv/www")
	p.Version = version(t, "1.1.0-rc.1")
	o, err = FromEnvironment(p)
	require.NoError(t, err)
	assert.Equal(t, "/srv/www", o.Published)
	assert.Equal(t, Beta, o.Channel, "a prerelease is for those who want one")
	t.Setenv(URLVariable, "example")
	_, err = FromEnvironment(p)
	assert.ErrorContains(t, err, "AVIR_REPO_URL")
}

func TestAPackagesNameAndVersionAreReadFromItsFileName(t *testing.T) {
	for _, tc := range []struct {
		format              format
		file, name, version string
	}{
		{debFormat, "kerio-connect-avir-clam_1.3.0~rc.1_i386.deb", "kerio-connect-avir-clam", "1.3.0~rc.1"},
		{debFormat, "kerio-connect-avir-clam_1.3.0_amd64.deb", "kerio-connect-avir-clam", "1.3.0"},
		{rpmFormat, "kerio-connect-avir-clam-1.3.0-0.rc1.i686.rpm", "kerio-connect-avir-clam", "1.3.0-0.rc1"},
		{rpmFormat, "kerio-control-avir-sample-10.0.0-1.x86_64.rpm", "kerio-control-avir-sample", "10.0.0-1"},
	} {
		name, version, err := tc.format.split(tc.file)
		require.NoError(t, err)
		assert.Equal(t, tc.name+" "+tc.version, name+" "+version)
	}
}
