package repo

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/packages"
)

// versionsIn returns the versions that the indexes of a channel list, of both
// formats.
func versionsIn(t *testing.T, dir string, c Channel) string {
	t.Helper()
	var found []string
	note := func(v string) {
		if n := len(found); n == 0 || found[n-1] != v {
			found = append(found, v)
		}
	}
	for line := range strings.Lines(read(t, dir, c.suite(), "main/binary-amd64/Packages")) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "Version: "); ok {
			note(v)
		}
	}
	primary, err := filepath.Glob(filepath.Join(dir, c.yum(), "repodata/*-primary.xml.gz"))
	require.NoError(t, err)
	require.Len(t, primary, 1)
	for part := range strings.SplitSeq(gunzip(t, primary[0]), "<location ") {
		if _, name, ok := strings.Cut(part, `href="kerio-connect-avir-clam/kerio-connect-avir-clam-`); ok {
			name, _, _ = strings.Cut(name, ".x86_64.rpm")
			name, _, _ = strings.Cut(name, ".i686.rpm")
			note(name)
		}
	}
	return strings.Join(found, " ")
}

func version(t *testing.T, s string) packages.Version {
	t.Helper()
	v, err := packages.ParseVersion(s)
	require.NoError(t, err)
	return v
}

// twoChannels makes signed repositories with 1.0.0 in stable and 1.1.0-rc.1 in beta.
func twoChannels(t *testing.T) Options {
	t.Helper()
	s := key(t)
	o := Options{Packages: build(t, "1.0.0", s), Out: filepath.Join(t.TempDir(), "published"), URL: "https://example.org/a", Epoch: epoch, Signer: s}
	require.NoError(t, Build(t.Context(), o))
	o.Published, o.Named, o.Channel = o.Out, true, Beta
	o.Packages = build(t, "1.1.0-rc.1", s)
	require.NoError(t, Build(t.Context(), o))
	o.Packages, o.Channel, o.Out = "", Stable, filepath.Join(t.TempDir(), "repo")
	return o
}

func TestStableNeverShowsABetaUntilItIsPromoted(t *testing.T) {
	o := twoChannels(t)
	assert.Equal(t, "1.0.0 1.0.0-1", versionsIn(t, o.Published, Stable))
	assert.Equal(t, "1.1.0~rc.1 1.1.0-0.rc1", versionsIn(t, o.Published, Beta))
	assert.NotContains(t, read(t, o.Published, "apt/dists/stable/main/binary-i386/Packages"), "rc.1")
	deb := "apt/pool/main/kerio-connect-avir-clam/kerio-connect-avir-clam_1.1.0~rc.1_amd64.deb"
	before, rpm := read(t, o.Published, deb), read(t, o.Published, "yum-beta/kerio-connect-avir-clam/kerio-connect-avir-clam-1.1.0-0.rc1.x86_64.rpm")

	o.Promote = version(t, "1.1.0-rc.1")
	said := printed(t, func() { require.NoError(t, Build(t.Context(), o)) })
	assert.Contains(t, said, "12 packages of version 1.1.0-rc.1 go from beta to stable")
	assert.Contains(t, versionsIn(t, o.Out, Stable), "1.1.0~rc.1")
	assert.Contains(t, versionsIn(t, o.Out, Stable), "1.1.0-0.rc1")
	assert.Empty(t, versionsIn(t, o.Out, Beta))
	assert.Equal(t, before, read(t, o.Out, deb), "the same bytes")
	assert.Equal(t, rpm, read(t, o.Out, "yum/kerio-connect-avir-clam/kerio-connect-avir-clam-1.1.0-0.rc1.x86_64.rpm"))
	left, err := filepath.Glob(filepath.Join(o.Out, "yum-beta/*/*.rpm"))
	require.NoError(t, err)
	assert.Empty(t, left)

	o.Promote = version(t, "1.2.0")
	assert.ErrorContains(t, Build(t.Context(), o), `the channel beta holds no version 1.2.0, but ["1.1.0~rc.1"]`)
	o.Promote = version(t, "1.0.0")
	assert.ErrorContains(t, Build(t.Context(), o), "the channel beta holds no version 1.0.0", "it is in stable")
}

func TestTheIndexOfAChannelTellsItsName(t *testing.T) {
	o := twoChannels(t)
	for _, c := range channels {
		release := read(t, o.Published, c.suite(), "Release")
		for _, line := range []string{"Origin: avirkit", "Label: avirkit", "Suite: " + string(c), "Codename: " + string(c)} {
			assert.Contains(t, release, "\n"+line+"\n")
		}
		assert.Contains(t, read(t, o.Published, c.yum(), "repodata/repomd.xml"), fmt.Sprintf("<repo>%s</repo>", c))
	}
}

// What the key has signed for one channel must not pass for another.
func TestAChannelThatSomebodyHidOrChangedIsNoticed(t *testing.T) {
	o := twoChannels(t)
	for name, tc := range map[string]struct {
		change func(dir string) error
		want   string
	}{
		"beta's apt indexes in stable's place": {func(dir string) error {
			return swap(filepath.Join(dir, "apt/dists/stable"), filepath.Join(dir, "apt/dists/beta"))
		}, `it is the index of the channel "beta"`},
		"beta's yum repository in stable's place": {func(dir string) error { return swap(filepath.Join(dir, "yum"), filepath.Join(dir, "yum-beta")) }, `index of the channel "beta"`},
		"beta is gone": {func(dir string) error {
			for _, name := range []string{"apt/dists/beta", "yum-beta"} {
				if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
					return err
				}
			}
			return nil
		}, "apt/dists/beta"},
		"a package of beta lies in stable, too": {func(dir string) error {
			const name = "kerio-connect-avir-clam/kerio-connect-avir-clam-1.1.0-0.rc1.x86_64.rpm"
			return os.Link(filepath.Join(dir, "yum-beta", name), filepath.Join(dir, "yum", name))
		}, "does not list"},
		"a package of beta is gone": {func(dir string) error {
			return os.Remove(filepath.Join(dir, "yum-beta/kerio-connect-avir-clam/kerio-connect-avir-clam-1.1.0-0.rc1.x86_64.rpm"))
		}, "which is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := o
			changed.Published = filepath.Join(t.TempDir(), "published")
			require.NoError(t, os.CopyFS(changed.Published, os.DirFS(o.Published)))
			require.NoError(t, tc.change(changed.Published))
			assert.ErrorContains(t, Build(t.Context(), changed), tc.want)
			assert.NoDirExists(t, o.Out)
		})
	}
}

func swap(a, b string) error {
	for _, step := range [][2]string{{a, a + ".aside"}, {b, a}, {a + ".aside", b}} {
		if err := os.Rename(step[0], step[1]); err != nil {
			return err
		}
	}
	return nil
}

func TestAVersionGoesFromBetaToStableAndNotBack(t *testing.T) {
	o := twoChannels(t)
	o.Packages, o.Channel = build(t, "1.1.0-rc.1", o.Signer), Stable
	require.NoError(t, Build(t.Context(), o), "the same bytes, made for stable")
	assert.Empty(t, versionsIn(t, o.Out, Beta))
	assert.Contains(t, versionsIn(t, o.Out, Stable), "1.1.0~rc.1")

	o.Packages, o.Channel = build(t, "1.0.0", o.Signer), Beta
	assert.ErrorContains(t, Build(t.Context(), o), "it can't go back to beta")
}

func TestAVersionThatIsLeftOutIsGoneFromAllIndexes(t *testing.T) {
	o := twoChannels(t)
	o.Without = []packages.Version{version(t, "1.0.0")}
	said := printed(t, func() { require.NoError(t, Build(t.Context(), o)) })
	assert.Contains(t, said, "12 published packages are left out")
	assert.Empty(t, versionsIn(t, o.Out, Stable))
	assert.Equal(t, "1.1.0~rc.1 1.1.0-0.rc1", versionsIn(t, o.Out, Beta))
	left, err := filepath.Glob(filepath.Join(o.Out, "*/pool/main/*/*_1.0.0_*"))
	require.NoError(t, err)
	assert.Empty(t, left)

	o.Without = []packages.Version{version(t, "1.0.0"), version(t, "1.1.0-rc.1")}
	assert.ErrorContains(t, Build(t.Context(), o), "no packages")
	o.Without = []packages.Version{version(t, "9.0.0")}
	assert.ErrorContains(t, Build(t.Context(), o), "no package of the versions to leave out")
}

func TestAnOldRepositoryWithoutChannelsIsPublishedStable(t *testing.T) {
	o := publishedOnce(t)
	for _, name := range []string{"apt/dists/beta", "yum-beta"} {
		require.NoError(t, os.RemoveAll(filepath.Join(o.Published, name)))
	}
	publishAgain(t, o, func(release string) string { return strings.Replace(release, "Channels: stable beta\n", "", 1) })
	index := filepath.Join(o.Published, "yum/repodata/repomd.xml")
	require.NoError(t, replaceOnce("<tags>\n    <repo>stable</repo>\n  </tags>\n", "")(index))
	require.NoError(t, o.Signer.WriteDetached(index+".asc", []byte(read(t, index))))
	require.NoError(t, Build(t.Context(), o))
	assert.Equal(t, "1.0.0 1.1.0", strings.Join(strings.Fields(versionsIn(t, o.Out, Stable))[:2], " "))
}
