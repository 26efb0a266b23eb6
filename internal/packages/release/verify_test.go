package release

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/packages/repo"
	"github.com/avirkit/avirkit/internal/packages/signing"
	"github.com/avirkit/avirkit/internal/run"
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
func signAgain(t *testing.T, s *signing.Keys, release string) {
	t.Helper()
	for _, name := range []string{keyName, build.ChecksumsName, build.ChecksumsName + ".asc"} {
		require.NoError(t, os.Remove(filepath.Join(release, name)))
	}
	require.NoError(t, sign(s, release))
}

// longer writes a longer length into the packet of a signature.
func longer(signature []byte) []byte {
	block, err := armor.Decode(bytes.NewReader(signature))
	if err != nil {
		return nil
	}
	packet, _ := io.ReadAll(block.Body)
	packet[2]++ // after the tag and the first of two octets
	var b bytes.Buffer
	w, _ := armor.Encode(&b, block.Type, nil)
	_, _ = w.Write(packet)
	_ = w.Close()
	return append(b.Bytes(), '\n')
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
	type change = func(t *testing.T, dir string) (named string)
	// Each of these is found though the others are there. They come in any order,
	// so that no pattern may match what another one adds.
	together := map[string]change{
		"a byte of a Debian package in the release":    flipped("releases/*/*_i386.deb"),
		"a byte of a Debian package in the repository": flipped("apt/pool/main/*/*_amd64.deb"),
		"a byte of an RPM package in the repository":   flipped("yum/*/*.i686.rpm"),
		"a byte of the libraries":                      flipped("releases/*/*-linux-386.tar.gz"),
		"a byte of the bill of materials":              flipped("releases/*/*.cdx.json"),
		"a byte of a compressed list":                  flipped("apt/dists/stable/main/binary-i386/Packages.gz"),
		"a byte of yum's list of files":                flipped("yum/repodata/*-filelists.xml.gz"),
		"the public key for apt":                       flipped("avirkit.gpg"),
		"a package that is gone from the release":      removed("releases/*/*_amd64.deb"),
		"a package that is gone from a repository":     removed("apt/pool/main/*/*_i386.deb"),
		"a package too many":                           added("apt/pool/main/*/mine_1_all.deb"),
		"a file too many in the release":               added("releases/*/mine"),
		"a file too many at the top":                   added("index.html"),
		"a name that is an option":                     added("yum/--eval=x-1-1.rpm"),
		"a key that is gone":                           removed("avirkit.asc"),
		"a changelog that is gone":                     removed("apt/changelogs/main/*/avirkit-tools/*"),
		"a link to the same file": func(t *testing.T, dir string) string {
			path := matching(t, dir, "apt/pool/main/kerio-control-avir-sample/*_i386.deb")
			require.NoError(t, os.Remove(path))
			same := matching(t, dir, "releases/*/"+filepath.Base(path))
			require.NoError(t, os.Symlink(filepath.Join("../../../..", strings.TrimPrefix(same, dir)), path))
			return path
		},
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
	}
	// again signs what says when it was made as of another time.
	again := func(s *signing.Keys, path, what, with string) func(*testing.T, string) string {
		return func(t *testing.T, dir string) string {
			path := filepath.Join(dir, path)
			old, err := os.ReadFile(path)
			require.NoError(t, err)
			data := regexp.MustCompile(what).ReplaceAll(old, []byte(with))
			require.NotEqual(t, old, data)
			put(t, path, data)
			detached := path + ".asc"
			if filepath.Base(path) == "Release" {
				detached = path + ".gpg"
				signed, err := s.Clearsign(data)
				require.NoError(t, err)
				put(t, filepath.Join(filepath.Dir(path), "InRelease"), signed)
			}
			require.NoError(t, os.Remove(detached))
			require.NoError(t, s.WriteDetached(detached, data))
			return path
		}
	}
	both := func(change func(t *testing.T, dir string) string, end string) func(*testing.T, string) string {
		return func(t *testing.T, dir string) string { return strings.TrimSuffix(change(t, dir), end) }
	}
	mine := r.options.Packages.Signer
	rewritten := func(pattern string, change func([]byte) []byte) func(*testing.T, string) string {
		return func(t *testing.T, dir string) string {
			path := matching(t, dir, pattern)
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			put(t, path, change(data))
			return path
		}
	}
	// These leave nothing that vouches for the rest.
	alone := map[string]change{
		"a byte of the checksums":              flipped("releases/*/SHA256SUMS"),
		"a byte of apt's signed index":         flipped("apt/dists/stable/InRelease"),
		"a byte of apt's old index":            flipped("apt/dists/stable/Release"),
		"a byte of a list of the channel beta": flipped("apt/dists/beta/Release"),
		"a byte of yum's index":                flipped("yum/repodata/repomd.xml"),
		"a signature that is gone":             removed("apt/dists/stable/Release.gpg"),
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
		"apt's index of an earlier day":    both(again(mine, "apt/dists/stable/Release", "(?m)^Date: .*$", "Date: Mon, 02 Jan 2006 15:04:05 UTC"), "/Release"),
		"yum's index of an earlier day":    again(mine, "yum-beta/repodata/repomd.xml", "<revision>.*</revision>", "<revision>1</revision>"),
		"a word in a signature's frame":    rewritten("releases/*/SHA256SUMS.asc", func(b []byte) []byte { return bytes.Replace(b, []byte("END PGP"), []byte("END PGQ"), 1) }),
		"a signature's checksum":           rewritten("yum/repodata/repomd.xml.asc", func(b []byte) []byte { return regexp.MustCompile("\n=.").ReplaceAll(b, []byte("\n==")) }),
		"a signature's length":             rewritten("apt/dists/stable/Release.gpg", longer),
		"text before a signed index":       rewritten("apt/dists/stable/InRelease", func(b []byte) []byte { return append([]byte("Suite: stable\n"), b...) }),
		"text behind a signed index":       rewritten("apt/dists/beta/InRelease", func(b []byte) []byte { return append(b, "Suite: stable\n"...) }),
		"blanks at the end of signed text": rewritten("apt/dists/stable/InRelease", func(b []byte) []byte { return bytes.Replace(b, []byte("Suite: stable"), []byte("Suite: stable "), 1) }),
		"a release in the folder of another version": func(t *testing.T, dir string) string {
			path := filepath.Join(dir, "releases", "99.0.0")
			require.NoError(t, os.Rename(matching(t, dir, "releases/*"), path))
			return path
		},
		"a name that rules the terminal": func(t *testing.T, dir string) string {
			require.NoError(t, os.Mkdir(filepath.Join(dir, "releases", "\x1b[2K\rverified"), 0o755))
			return `releases/\x1b[2K\rverified/SHA256SUMS`
		},
		"all repositories": func(t *testing.T, dir string) string {
			gone, err := filepath.Glob(filepath.Join(dir, "[ay]*"))
			require.NoError(t, err)
			for _, path := range gone {
				require.NoError(t, os.RemoveAll(path))
			}
			return filepath.Join(dir, "apt/dists/stable/InRelease")
		},
		"another key beside the files that it signed": func(t *testing.T, dir string) string {
			_, text, err := other.Public()
			require.NoError(t, err)
			put(t, filepath.Join(dir, keyName), text)
			return filepath.Join(dir, keyName)
		},
	}
	verify := func(dir string) error {
		return Verify(t.Context(), VerifyOptions{Root: r.options.Root, Dir: dir, Key: signing.Fingerprint(r.options.Packages.Signer)})
	}
	t.Run("all together", func(t *testing.T) {
		dir, named := copied(t, all), map[string]string{}
		for what, change := range together {
			named[what] = strings.TrimPrefix(change(t, dir), dir+"/")
		}
		err := verify(dir)
		require.Error(t, err)
		for what, path := range named {
			assert.Contains(t, err.Error(), path, what)
		}
		assert.Len(t, strings.Split(err.Error(), "\n"), 1+len(together), "no other file is named: %v", err)
	})
	for what, change := range alone {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			dir := copied(t, all)
			path := strings.TrimPrefix(change(t, dir), dir+"/")
			err := verify(dir)
			require.Error(t, err)
			assert.Contains(t, err.Error(), path)
		})
	}
}

func TestWhatIsPublishedIsWhatWasSigned(t *testing.T) {
	r := released(t)
	_, public, err := r.options.Packages.Signer.Public()
	require.NoError(t, err)
	key, later := filepath.Join(t.TempDir(), "key.asc"), t.TempDir()
	put(t, key, public)
	put(t, filepath.Join(later, "VERSION"), []byte("99.0.0\n"))
	var b bytes.Buffer
	before := run.Out
	run.Out = &b
	defer func() { run.Out = before }()
	fingerprint := signing.Fingerprint(r.options.Packages.Signer)

	for name, o := range map[string]VerifyOptions{
		"with the key in a file":       {Dir: published(t), Key: key},
		"with the key's fingerprint":   {Dir: published(t), Key: "0x" + strings.ToLower(fingerprint)},
		"a release alone":              {Dir: r.options.Out, Key: key},
		"with the key that lies there": {Dir: r.options.Out},
	} {
		t.Run(name, func(t *testing.T) {
			b.Reset()
			o.Root = later
			assert.ErrorContains(t, Verify(t.Context(), o), "holds no release of version 99.0.0, which this checkout has, so nothing was built again")
			assert.Contains(t, b.String(), " files are what key "+fingerprint+" has signed, and there are no others")
			assert.Equal(t, o.Key == "", strings.Contains(b.String(), "whoever can write there can change it"))
		})
	}
	assert.ErrorContains(t, Verify(t.Context(), VerifyOptions{Root: later, Dir: r.options.Repo.Out, Key: key}), "avirkit.gpg: nobody has signed it",
		"the keys are signed with the release")
	assert.ErrorContains(t, Verify(t.Context(), VerifyOptions{Root: later, Dir: t.TempDir(), Key: key}), "neither a release (SHA256SUMS) nor repositories")
	other, err := signing.Throwaway(filepath.Join(t.TempDir(), "other"), 2048, epoch)
	require.NoError(t, err)
	assert.ErrorContains(t, Verify(t.Context(), VerifyOptions{Root: later, Dir: r.options.Out, Key: signing.Fingerprint(other)}), "does not hold key")
	put(t, filepath.Join(r.options.Root, "extra.go"), []byte("package p\n"))
	defer os.Remove(filepath.Join(r.options.Root, "extra.go"))
	assert.ErrorContains(t, Verify(t.Context(), VerifyOptions{Root: r.options.Root, Dir: r.options.Out}), "verify in a fresh clone")
}

// keysOver are the publisher's keys of three releases: the old one, both, the new
// one.
func keysOver(t *testing.T) (list [3]*signing.Keys) {
	t.Helper()
	var err error
	list[0], list[2] = signed(t), signed(t)
	list[1], err = signing.Join("", list[0], list[2])
	require.NoError(t, err)
	return list
}

func TestReleasesOfEarlierKeysAreJudgedByTheKeysThatAreNamed(t *testing.T) {
	dir, later, keys := t.TempDir(), t.TempDir(), keysOver(t)
	put(t, filepath.Join(later, "VERSION"), []byte("99.0.0\n"))
	for i, k := range keys {
		release := filepath.Join(dir, "releases", []string{"1.0.0", "1.1.0", "1.2.0"}[i])
		require.NoError(t, os.MkdirAll(release, 0o755))
		put(t, filepath.Join(release, "avirkit-"+filepath.Base(release)+"-linux-386.tar.gz"), []byte("content"))
		require.NoError(t, sign(k, release))
	}
	old, next := signing.Fingerprint(keys[0]), signing.Fingerprint(keys[2])
	const good = "holds no release of version 99.0.0" // said when all else is in order
	for key, want := range map[string]string{
		old + "," + next: good,
		next + "," + old: good,
		"":               good,
		old:              "releases/1.2.0/SHA256SUMS.asc: it is no good signature",
		next:             "releases/1.0.0/SHA256SUMS.asc: it is no good signature",
	} {
		err := Verify(t.Context(), VerifyOptions{Root: later, Dir: dir, Key: key})
		require.ErrorContains(t, err, want, key)
		assert.NotContains(t, err.Error(), "1.1.0/SHA256SUMS", "both have signed it")
	}
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
	dir := published(t)
	key := signing.Fingerprint(r.options.Packages.Signer)
	require.NoError(t, Verify(t.Context(), VerifyOptions{Root: clone, Dir: dir, Key: key}))

	// A later release has two keys, which today's file lists.
	both, err := signing.Join("", signed(t), r.options.Packages.Signer)
	require.NoError(t, err)
	_, text, err := both.Public()
	require.NoError(t, err)
	put(t, filepath.Join(dir, keyName), text)
	release, top := filepath.Join(dir, "releases", "99.0.0"), t.TempDir()
	require.NoError(t, os.Mkdir(release, 0o755))
	put(t, filepath.Join(top, keyName), text)
	require.NoError(t, pack(t.Context(), top, filepath.Join(release, "avirkit-99.0.0-repo.tar.gz"), epoch))
	require.NoError(t, sign(both, release))
	require.NoError(t, Verify(t.Context(), VerifyOptions{Root: clone, Dir: dir, Key: key}), "its package of the keys lists one")
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
			path := filepath.Join(dir, "mine_1_all.deb")
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
