package packages

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAVersionIsWrittenAsEachFormatSortsIt(t *testing.T) {
	for _, tc := range []struct{ text, plain, deb, rpm string }{
		{"1.3.0", "1.3.0", "1.3.0", "1.3.0-1"},
		{"v1.3.0", "1.3.0", "1.3.0", "1.3.0-1"},
		{"1.3.0-rc.1", "1.3.0-rc.1", "1.3.0~rc.1", "1.3.0-0.rc1"},
		{"0.1.0-alpha.12", "0.1.0-alpha.12", "0.1.0~alpha.12", "0.1.0-0.alpha12"},
	} {
		v := parsed(t, tc.text)
		version, release := v.RPM()
		assert.Equal(t, tc.plain, v.String())
		assert.Equal(t, tc.deb, v.Deb())
		assert.Equal(t, tc.rpm, version+"-"+release)
	}
}

func TestAWrongVersionIsRefusedWithAnExample(t *testing.T) {
	for _, text := range []string{
		"", "1", "1.3", "1.3.0.1", "01.3.0", "1.3.0-", "1.3.0-rc", "1.3.0-rc1", "1.3.0-rc.1.2", "1.3.0-rc.01", "1.3.0-dev.1",
		"1.3.0+git", "1.3.0~rc.1", "1:1.3.0", "1.3.0-1", " 1.3.0", "1.3.0\n", "1.3.0; reboot", "9999999.0.0",
	} {
		_, err := ParseVersion(text)
		assert.ErrorContains(t, err, "1.3.0-rc.1", "version %q", text)
	}
}

func TestDpkgAndRpmSortVersionsAsTheyFollowEachOther(t *testing.T) {
	inOrder := []string{
		"0.9.9", "0.10.0", "1.3.0-alpha.0", "1.3.0-alpha.2", "1.3.0-alpha.10", "1.3.0-beta.1", "1.3.0-rc.1", "1.3.0-rc.2",
		"1.3.0-rc.11", "1.3.0", "1.3.1-rc.1", "1.3.1", "1.10.0", "2.0.0",
	}
	for i := 1; i < len(inOrder); i++ {
		older, newer := parsed(t, inOrder[i-1]), parsed(t, inOrder[i])
		assert.NoError(t, exec.Command("dpkg", "--compare-versions", older.Deb(), "lt", newer.Deb()).Run(), "%s < %s", older.Deb(), newer.Deb())
		assert.Equal(t, -1, rpmCompare(t, older, newer), "%s < %s", older, newer)
	}
}

// rpmCompare compares as rpm does: the version, then the release.
func rpmCompare(t *testing.T, a, b Version) int {
	t.Helper()
	av, ar := a.RPM()
	bv, br := b.RPM()
	for _, pair := range [][2]string{{av, bv}, {ar, br}} {
		out, err := exec.Command("rpm", "--eval", fmt.Sprintf("%%{lua:print(rpm.vercmp(%q, %q))}", pair[0], pair[1])).Output()
		require.NoError(t, err, "rpm (Debian package rpm)")
		if s := strings.TrimSpace(string(out)); s != "0" {
			return map[string]int{"-1": -1, "1": 1}[s]
		}
	}
	return 0
}

func TestTheVersionsOfUpgradeTestsSortAroundTheirOwn(t *testing.T) {
	for _, text := range []string{"0.1.0", "1.3.0-rc.1", "1.3.0-alpha.0", "7.0.0-alpha.1"} {
		v := parsed(t, text)
		assert.Equal(t, -1, rpmCompare(t, v.Older(), v), text)
		assert.Equal(t, -1, rpmCompare(t, v, v.Newer()), text)
	}
}

// git runs git in dir, as nobody in particular.
func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.org"}, args...)...)
	out, err := cmd.CombinedOutput()
	require.NoErrorf(t, err, "%s", out)
}

// checkout makes a repository of one commit with tags.
func checkout(t *testing.T, version string, tags ...string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "VERSION"), []byte(version+"\n"), 0o644))
	git(t, dir, "init", "-q")
	git(t, dir, "commit", "-q", "--allow-empty", "-m", "a commit")
	for _, tag := range tags {
		git(t, dir, "tag", tag)
	}
	return dir
}

func TestAReleasedVersionIsKnownByItsTag(t *testing.T) {
	v := parsed(t, "1.2.0")
	tagged := checkout(t, "1.2.0", "v1.2.0", "v1.1.0")
	for _, tc := range []struct {
		name            string
		prepare         func()
		dir             string
		here, elsewhere bool
	}{
		{"a commit without a tag", func() {}, checkout(t, "1.2.0", "v1.1.0"), false, false},
		{"the tagged commit", func() {}, tagged, true, false},
		{"a later commit", func() { git(t, tagged, "commit", "-q", "--allow-empty", "-m", "later") }, tagged, false, true},
		{"no checkout", func() {}, t.TempDir(), false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.prepare()
			here, elsewhere, err := Tagged(t.Context(), tc.dir, v)
			require.NoError(t, err)
			assert.Equal(t, []bool{tc.here, tc.elsewhere}, []bool{here, elsewhere})
		})
	}
}

func TestNothingIsTakenFromAnotherCheckout(t *testing.T) {
	around := checkout(t, "9.9.9", "v9.9.9")
	inside := filepath.Join(around, "unpacked")
	require.NoError(t, os.Mkdir(inside, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(inside, "VERSION"), []byte("1.2.0\n"), 0o644))
	t.Setenv("SOURCE_DATE_EPOCH", "")
	own := checkout(t, "1.2.0")
	for name, tc := range map[string]struct{ dir, gitDir, wrong string }{
		"an archive that was unpacked inside another checkout": {inside, "", "set SOURCE_DATE_EPOCH"},
		"a checkout while GIT_DIR names another":               {own, filepath.Join(around, ".git"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.gitDir != "" {
				t.Setenv("GIT_DIR", tc.gitDir)
			}
			v, err := FindVersion(t.Context(), tc.dir)
			require.NoError(t, err, "the tag of the other commit is not ours")
			assert.Equal(t, "1.2.0", v.String())
			_, err = FindEpoch(t.Context(), tc.dir)
			if tc.wrong == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, tc.wrong)
			}
		})
	}
}

func TestTheUsersGitConfigurationChangesNothing(t *testing.T) {
	dir, home := checkout(t, "1.2.0"), t.TempDir()
	gpg := filepath.Join(home, "gpg")
	require.NoError(t, os.WriteFile(gpg, []byte(`#!/bin/sh
cat >/dev/null # git takes it for a failure when nobody reads what it writes
case "$*" in
*--verify*) echo "gpg: a good signature" >&2; echo "[GNUPG:] GOODSIG 1 t" ;;
*) echo "-----BEGIN PGP SIGNATURE-----"; echo "[GNUPG:] SIG_CREATED " >&2 ;;
esac
`), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(home, ".gitconfig"), []byte("[log]\n\tshowSignature = true\n[gpg]\n\tprogram = "+gpg+"\n"), 0o644))
	t.Setenv("HOME", home)
	git(t, dir, "commit", "-q", "--allow-empty", "-S", "-m", "a signed commit")
	out, err := exec.Command("git", "-C", dir, "log", "-1", "--format=%ct").Output()
	require.NoError(t, err)
	require.Contains(t, string(out), "a good signature", "git shows it, if nobody says otherwise")
	t.Setenv("SOURCE_DATE_EPOCH", "")
	_, err = FindEpoch(t.Context(), dir)
	assert.NoError(t, err)
}

func TestABrokenCheckoutIsNotOneWithoutTags(t *testing.T) {
	dir := checkout(t, "1.2.0")
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".git", "config"), []byte("[broken"), 0o644))
	_, err := FindVersion(t.Context(), dir)
	assert.ErrorContains(t, err, "bad config")
}

func TestTheVersionComesFromTheFileVersion(t *testing.T) {
	for _, tc := range []struct{ name, dir, want, wrong string }{
		{"without a tag", checkout(t, "1.2.0"), "1.2.0", ""},
		{"with the tag of the same version", checkout(t, "1.2.0-rc.1", "v1.2.0-rc.1"), "1.2.0-rc.1", ""},
		{"with a tag that is no version", checkout(t, "1.2.0", "nightly"), "1.2.0", ""},
		{"with another version's tag", checkout(t, "1.2.0", "v1.3.0"), "", "tagged v1.3.0: change the file, or delete the tag"},
		{"with a wrong version", checkout(t, "next"), "", `VERSION: "next" is not a version`},
		{"without the file", t.TempDir(), "", "VERSION: no such file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v, err := FindVersion(t.Context(), tc.dir)
			if tc.wrong != "" {
				require.ErrorContains(t, err, tc.wrong)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tc.want, v.String())
		})
	}
}

func TestTheEpochIsTheCommitsTimeOrSourceDateEpoch(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "")
	out, err := exec.Command("git", "-C", aRoot, "log", "-1", "--format=%ct").Output()
	require.NoError(t, err)
	at, err := FindEpoch(t.Context(), aRoot)
	require.NoError(t, err)
	assert.Equal(t, strings.TrimSpace(string(out)), fmt.Sprint(at.Unix()))

	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	at, err = FindEpoch(t.Context(), t.TempDir())
	require.NoError(t, err)
	assert.EqualValues(t, 1_700_000_000, at.Unix())

	for _, wrong := range []string{"0", "-1", "yesterday", "4294967296", "1e9"} {
		t.Setenv("SOURCE_DATE_EPOCH", wrong)
		_, err := FindEpoch(t.Context(), aRoot)
		assert.ErrorContains(t, err, "seconds since 1970", wrong)
	}
	for later, want := range map[time.Duration]string{-time.Minute: "", time.Minute: "SOURCE_DATE_EPOCH is in the future"} {
		t.Setenv("SOURCE_DATE_EPOCH", fmt.Sprint(time.Now().Add(later).Unix()))
		if _, err := FindEpoch(t.Context(), aRoot); want == "" {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, want)
		}
	}
	t.Setenv("SOURCE_DATE_EPOCH", "")
	_, err = FindEpoch(t.Context(), t.TempDir())
	assert.ErrorContains(t, err, "set SOURCE_DATE_EPOCH")
}
