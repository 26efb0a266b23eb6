package release

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/packages/repo"
	"github.com/avirkit/avirkit/internal/packages/signing"
)

// copied returns a copy of a folder whose files are links, for tests that put
// others in their places.
func copied(t *testing.T, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	out, err := exec.Command("cp", "-al", from, to).CombinedOutput()
	require.NoErrorf(t, err, "%s", out)
	return to
}

// matching returns the first file that a pattern matches.
func matching(t *testing.T, dir, pattern string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, pattern))
	require.NoError(t, err)
	require.NotEmpty(t, paths, pattern)
	return paths[0]
}

// put puts a new file into a place.
func put(t *testing.T, path string, data []byte) {
	t.Helper()
	_ = os.Remove(path)
	require.NoError(t, os.WriteFile(path, data, 0o644))
}

// flip changes a byte in the middle of a file.
func flip(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	data = bytes.Clone(data)
	data[len(data)/2] ^= 1
	put(t, path, data)
}

// signAgain signs a release that has changed.
func signAgain(t *testing.T, s signing.Signer, release string) {
	t.Helper()
	for _, name := range []string{keyName, build.ChecksumsName, build.ChecksumsName + ".asc"} {
		require.NoError(t, os.Remove(filepath.Join(release, name)))
	}
	require.NoError(t, sign(s, release))
}

func TestEachChangeOfWhatIsPublishedIsNamed(t *testing.T) {
	r, all := released(t), published(t)
	other, err := signing.Throwaway(filepath.Join(t.TempDir(), "other"), 2048, epoch)
	require.NoError(t, err)
	flipped := func(pattern string) func(*testing.T, string) string {
		return func(t *testing.T, dir string) string {
			path := matching(t, dir, pattern)
			flip(t, path)
			return path
		}
	}
	removed := func(pattern string) func(*testing.T, string) string {
		return func(t *testing.T, dir string) string {
			path := matching(t, dir, pattern)
			require.NoError(t, os.Remove(path))
			return path
		}
	}
	added := func(name string) func(*testing.T, string) string {
		return func(t *testing.T, dir string) string {
			path := filepath.Join(matching(t, dir, filepath.Dir(name)), filepath.Base(name))
			put(t, path, []byte("more"))
			return path
		}
	}
	for name, change := range map[string]func(t *testing.T, dir string) (named string){
		"a byte of a Debian package in the release":    flipped("releases/*/*_i386.deb"),
		"a byte of a Debian package in the repository": flipped("apt/pool/main/*/*_amd64.deb"),
		"a byte of an RPM package in the repository":   flipped("yum/*/*.i686.rpm"),
		"a byte of the libraries":                      flipped("releases/*/*-linux-386.tar.gz"),
		"a byte of the bill of materials":              flipped("releases/*/*.cdx.json"),
		"a byte of the checksums":                      flipped("releases/*/SHA256SUMS"),
		"a byte of apt's signed index":                 flipped("apt/dists/stable/InRelease"),
		"a byte of apt's old index":                    flipped("apt/dists/stable/Release"),
		"a byte of a compressed list":                  flipped("apt/dists/stable/main/binary-i386/Packages.gz"),
		"a byte of a list of the channel beta":         flipped("apt/dists/beta/Release"),
		"a byte of yum's index":                        flipped("yum/repodata/repomd.xml"),
		"a byte of yum's list of files":                flipped("yum/repodata/*-filelists.xml.gz"),
		"what administrators copy":                     flipped("yum/avirkit.repo"),
		"the public key for apt":                       flipped("avirkit.gpg"),
		"a package that is gone from the release":      removed("releases/*/*_i386.deb"),
		"a package that is gone from a repository":     removed("apt/pool/main/*/*_i386.deb"),
		"a signature that is gone":                     removed("apt/dists/stable/Release.gpg"),
		"a package too many":                           added("apt/pool/main/*/mine_1_i386.deb"),
		"a file too many in the release":               added("releases/*/mine"),
		"a file too many at the top":                   added("index.html"),
		"a name that is an option":                     added("yum/--eval=x-1-1.rpm"),
		"a pipe": func(t *testing.T, dir string) string {
			path := filepath.Join(dir, "yum", "pipe.rpm")
			require.NoError(t, unix.Mkfifo(path, 0o644))
			return path
		},
		"a link": func(t *testing.T, dir string) string {
			path := filepath.Join(dir, "apt", "link")
			require.NoError(t, os.Symlink("/etc/passwd", path))
			return path
		},
		"checksums that another key has signed": func(t *testing.T, dir string) string {
			release := matching(t, dir, "releases/*")
			signAgain(t, other, release)
			return filepath.Join(release, "SHA256SUMS.asc")
		},
		"an index that another key has signed": func(t *testing.T, dir string) string {
			release, err := os.ReadFile(filepath.Join(dir, "apt/dists/stable/Release"))
			require.NoError(t, err)
			signed, err := other.Clearsign(release)
			require.NoError(t, err)
			path := filepath.Join(dir, "apt/dists/stable/InRelease")
			put(t, path, signed)
			return path
		},
		"the index of another channel": func(t *testing.T, dir string) string {
			for _, name := range []string{"InRelease", "Release", "Release.gpg"} {
				data, err := os.ReadFile(filepath.Join(dir, "apt/dists/beta", name))
				require.NoError(t, err)
				put(t, filepath.Join(dir, "apt/dists/stable", name), data)
			}
			return filepath.Join(dir, "apt/dists/stable/InRelease")
		},
		"another key beside the files that it signed": func(t *testing.T, dir string) string {
			_, text, err := signing.PublicKey(other)
			require.NoError(t, err)
			put(t, filepath.Join(dir, keyName), text)
			return filepath.Join(dir, keyName)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copied(t, all)
			named := change(t, dir)
			err := Verify(t.Context(), VerifyOptions{Root: r.options.Root, Dir: dir, Key: signing.Fingerprint(r.options.Packages.Signer)})
			require.Error(t, err)
			assert.Contains(t, err.Error(), strings.TrimPrefix(named, dir+"/"))
		})
	}
}

// verified verifies with the builds of the release in place of those that would
// be made now.
func verified(t *testing.T, o VerifyOptions) error {
	t.Helper()
	r := released(t)
	dist := filepath.Join(o.Root, ".cache", "verify", "dist")
	if _, err := os.Stat(dist); err != nil {
		require.NoError(t, os.MkdirAll(dist, 0o755))
		for _, name := range []string{"linux-386", "linux-amd64", build.DirDebug, build.ManifestName, build.ChecksumsName} {
			out, err := exec.Command("cp", "-a", filepath.Join(r.options.Packages.Dist, name), dist).CombinedOutput()
			require.NoErrorf(t, err, "%s", out)
		}
	}
	return Verify(t.Context(), o)
}

func TestWhatIsPublishedIsWhatTheSourcesMake(t *testing.T) {
	r := released(t)
	_, public, err := signing.PublicKey(r.options.Packages.Signer)
	require.NoError(t, err)
	key := filepath.Join(t.TempDir(), "key.asc")
	put(t, key, public)

	require.NoError(t, verified(t, VerifyOptions{Root: r.options.Root, Dir: published(t), Key: key}))

	assert.ErrorContains(t, verified(t, VerifyOptions{Root: r.options.Root, Dir: t.TempDir(), Key: key}), "neither a release (SHA256SUMS) nor repositories")
	elsewhere := filepath.Join(r.options.Root, "extra.go")
	put(t, elsewhere, []byte("package p\n"))
	assert.ErrorContains(t, verified(t, VerifyOptions{Root: r.options.Root, Dir: r.options.Out}), "verify in a fresh clone")
	require.NoError(t, os.Remove(elsewhere))
}

func TestAFreshCloneMakesWhatIsPublishedAtFullLength(t *testing.T) {
	r := released(t)
	clone := filepath.Join(t.TempDir(), "clone")
	out, err := exec.Command("git", "clone", "-q", r.options.Root, clone).CombinedOutput()
	require.NoErrorf(t, err, "%s", out)
	require.NoError(t, os.Mkdir(filepath.Join(clone, ".cache"), 0o755))
	for _, name := range []string{"zig-*"} {
		zig := matching(t, filepath.Join(r.options.Root, ".cache"), name)
		require.NoError(t, os.Symlink(zig, filepath.Join(clone, ".cache", filepath.Base(zig))))
	}
	require.NoError(t, Verify(t.Context(), VerifyOptions{Root: clone, Dir: published(t), Key: signing.Fingerprint(r.options.Packages.Signer)}))
}

func TestWhatTheSourcesDoNotMakeIsNamedThoughItIsSigned(t *testing.T) {
	r := released(t)
	for name, c := range map[string]struct {
		change func(t *testing.T, dir string) (named string)
		want   string
	}{
		"nothing": {func(*testing.T, string) string { return "" }, ""},
		"a Debian package": {func(t *testing.T, dir string) string {
			path := matching(t, dir, "*_i386.deb")
			flip(t, path)
			return path
		}, "make another package"},
		"an RPM package": {func(t *testing.T, dir string) string {
			path := matching(t, dir, "*.i686.rpm")
			flip(t, path)
			return path
		}, "make another package"},
		"a package too many": {func(t *testing.T, dir string) string {
			path := filepath.Join(dir, "mine_1_i386.deb")
			put(t, path, []byte("mine"))
			return path
		}, "do not make it"},
		"a package that is missing": {func(t *testing.T, dir string) string {
			path := matching(t, dir, "*_i386.deb")
			require.NoError(t, os.Remove(path))
			return path
		}, "it is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copied(t, r.options.Out)
			named := c.change(t, dir)
			signAgain(t, r.options.Packages.Signer, dir)
			root, err := os.OpenRoot(dir)
			require.NoError(t, err)
			defer root.Close()
			v := &repo.Vouched{Dir: root, Keys: r.options.Packages.Signer.Ring, Files: map[string]string{}}
			checkSums(v, ".")
			require.Empty(t, v.Wrong)

			n, wrong, err := comparePackages(v, ".", r.options.Packages.Out)

			require.NoError(t, err)
			if named == "" {
				assert.Empty(t, wrong)
				assert.Equal(t, 30, n)
				return
			}
			require.Len(t, wrong, 1)
			assert.ErrorContains(t, wrong[0], filepath.Base(named))
			assert.ErrorContains(t, wrong[0], c.want)
		})
	}
}

func TestAFileOfAnotherBuildIsNamed(t *testing.T) {
	m := released(t).manifest
	var other build.Manifest
	data, err := json.Marshal(m)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &other))
	assert.Empty(t, compareFiles(m, &other))

	other.Files[0].SHA256 = "0"
	other.Files = slices.Insert(other.Files, 1, build.File{Path: "mine"})
	wrong := compareFiles(m, &other)
	require.Len(t, wrong, 2)
	assert.ErrorContains(t, wrong[0], m.Files[0].Path)
	assert.ErrorContains(t, wrong[1], "mine: the sources do not make it")
}
