package repo

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/packages/signing"
)

// publishedOnce makes a signed repository of version 1.0.0, and returns the
// options to put version 1.1.0 on top of it, elsewhere.
func publishedOnce(t *testing.T) Options {
	t.Helper()
	s := key(t)
	o := Options{
		Packages: build(t, "1.0.0", s), Out: filepath.Join(t.TempDir(), "published"), URL: "https://example.org/a", Epoch: epoch, Signer: s,
	}
	require.NoError(t, Build(t.Context(), o))
	o.Published, o.Named, o.Out = o.Out, true, filepath.Join(t.TempDir(), "repo")
	o.Packages = build(t, "1.1.0", s)
	return o
}

// inTime builds the repositories, and fails the test if that hangs.
func inTime(t *testing.T, o Options) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- Build(context.WithoutCancel(t.Context()), o) }()
	select {
	case err := <-done:
		return err
	case <-time.After(2 * time.Minute):
		t.Fatal("the build of the repositories hangs")
		return nil
	}
}

// publishAgain signs the published indexes once more, after a change of apt's.
func publishAgain(t *testing.T, o Options, change func(release string) string) {
	t.Helper()
	release := change(read(t, o.Published, suite, "Release"))
	require.NoError(t, os.WriteFile(filepath.Join(o.Published, suite, "Release"), []byte(release), 0o644))
	require.NoError(t, signRelease(o.Signer, filepath.Join(o.Published, suite), []byte(release)))
}

func TestAFileNameRunsNoCommand(t *testing.T) {
	o := publishedOnce(t)
	marker := filepath.Join(t.TempDir(), "ran")
	for _, name := range []string{
		// rpm expands %(…) of an option, and ${IFS} needs no blank or slash.
		"--eval=%(touch${IFS}$AVIR_TEST_MARKER)-1-1.rpm",
		"--pipe=touch${IFS}$AVIR_TEST_MARKER;-1-1.i686.rpm",
		"-1-1.i686.rpm", // a package without a name, which no "*/*.rpm" matches
		"kerio-1.0-1.i686.rpm;reboot.rpm",
		"a b-1.0-1.i686.rpm",
		"kerio\n-1.0-1.i686.rpm",
		"kerio-connect-avir-clam-1.0.0-1.armv7hl.rpm",
		"-o_1_i386.deb",
		"$(reboot)_1.0_i386.deb",
		"Kerio_1.0_i386.deb",
		"kerio-connect-avir-clam_1.0.0_arm64.deb",
	} {
		for _, place := range []string{filepath.Join(o.Published, map[string]string{".deb": "apt/pool/main", ".rpm": "yum"}[filepath.Ext(name)]), o.Packages} {
			t.Setenv("AVIR_TEST_MARKER", marker)
			file := filepath.Join(place, name)
			require.NoError(t, os.WriteFile(file, []byte("no package"), 0o644))
			err := inTime(t, o)
			require.Error(t, err, name)
			assert.Contains(t, err.Error(), fmt.Sprintf("%q", name)[1:], "the error quotes the name")
			assert.NoFileExists(t, marker, name)
			assert.NoDirExists(t, o.Out)
			require.NoError(t, os.Remove(file))
		}
	}
	require.NoError(t, inTime(t, o), "it was the names")
}

func TestOnlyRegularFilesAreRead(t *testing.T) {
	o := publishedOnce(t)
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("not to be published"), 0o600))
	kinds := map[string]struct {
		make func(path string) error
		want string
	}{
		"a pipe that nobody writes to": {func(path string) error { return syscall.Mkfifo(path, 0o666) }, "is no regular file"},
		"a link to another folder":     {func(path string) error { return os.Symlink(secret, path) }, "path escapes"},
	}
	pool := "apt/pool/main/kerio-connect-avir-clam/kerio-connect-avir-clam"
	for _, file := range []string{
		filepath.Join(o.Packages, "kerio-connect-avir-clam_2.0.0_i386.deb"),
		filepath.Join(o.Packages, "kerio-connect-avir-clam-2.0.0-1.i686.rpm"),
		filepath.Join(o.Published, pool+"_1.0.0_i386.deb"),
		filepath.Join(o.Published, "yum/kerio-connect-avir-clam/kerio-connect-avir-clam-1.0.0-1.i686.rpm"),
		filepath.Join(o.Published, suite, "InRelease"),
		filepath.Join(o.Published, suite, "main/binary-i386/Packages"),
		filepath.Join(o.Published, "yum/repodata/repomd.xml"),
		filepath.Join(o.Published, "yum/repodata/repomd.xml.asc"),
	} {
		for name, kind := range kinds {
			aside := file + ".aside"
			had := os.Rename(file, aside) == nil
			require.NoError(t, kind.make(file))
			assert.ErrorContainsf(t, inTime(t, o), kind.want, "%s is %s", file, name)
			assert.NoDirExists(t, o.Out)
			require.NoError(t, os.Remove(file))
			if had {
				require.NoError(t, os.Rename(aside, file))
			}
		}
	}
	require.NoError(t, inTime(t, o), "everything is in its place again")
}

func TestThePublishedPackagesAreThoseThatTheSignedIndexLists(t *testing.T) {
	o := publishedOnce(t)
	older := build(t, "0.9.0", o.Signer)
	for name, change := range map[string]struct {
		place  string
		change func(path string) error
		want   string
	}{
		"a Debian package is gone":   {"apt/pool/main/kerio-connect-avir-clam/kerio-connect-avir-clam_1.0.0_i386.deb", os.Remove, "which is gone"},
		"an RPM package is gone":     {"yum/kerio-connect-avir-clam/kerio-connect-avir-clam-1.0.0-1.i686.rpm", os.Remove, "which is gone"},
		"a Debian package is other":  {"apt/pool/main/kerio-connect-avir-clam/kerio-connect-avir-clam_1.0.0_i386.deb", appendByte, "is not the package that the index lists"},
		"an RPM package is other":    {"yum/kerio-connect-avir-clam/kerio-connect-avir-clam-1.0.0-1.i686.rpm", appendByte, "is not the package that the index lists"},
		"a Debian package was added": {"apt/pool/main/kerio-connect-avir-clam/kerio-connect-avir-clam_0.9.0_i386.deb", copyFrom(older), "does not list"},
		// It bears the key's own signature: an old version with a known hole, say.
		"a signed RPM package was added": {"yum/kerio-connect-avir-clam/kerio-connect-avir-clam-0.9.0-1.i686.rpm", copyFrom(older), "does not list"},
		"the list of packages is other":  {suite + "/main/binary-i386/Packages", appendByte, "it is not the file that signed indexes or checksums name"},
		"apt's signed index is other":    {suite + "/InRelease", replaceOnce("avirkit", "avirkiT"), "InRelease: it is not signed by a key that clients trust"},
		"yum's signed index is other":    {"yum/repodata/repomd.xml", replaceOnce("<revision>", "<revision>1"), "it is no good signature of repomd.xml"},
		"apt's signed index is gone":     {suite + "/InRelease", os.Remove, "holds no signed index"},
		"yum's signature is gone":        {"yum/repodata/repomd.xml.asc", os.Remove, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			tampered := o
			tampered.Published = filepath.Join(t.TempDir(), "published")
			require.NoError(t, os.CopyFS(tampered.Published, os.DirFS(o.Published)))
			require.NoError(t, change.change(filepath.Join(tampered.Published, change.place)))
			require.ErrorContains(t, inTime(t, tampered), change.want)
			assert.NoDirExists(t, o.Out)
		})
	}
}

func appendByte(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}

func replaceOnce(old, new string) func(path string) error {
	return func(path string) error {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, bytes.Replace(data, []byte(old), []byte(new), 1), 0o644)
	}
}

func copyFrom(dir string) func(path string) error {
	return func(path string) error { return os.Link(filepath.Join(dir, filepath.Base(path)), path) }
}

func TestTheDateComesFromWhatTheKeySigned(t *testing.T) {
	o := publishedOnce(t)
	require.NoError(t, replaceOnce("Date: ", "Date: Thu, 01 Jan 2099 00:00:00 UTC\nX-Date: ")(filepath.Join(o.Published, suite, "Release")))
	require.NoError(t, Build(t.Context(), o))
	assert.Contains(t, read(t, o.Out, suite, "Release"), "Date: Tue, 14 Nov 2023 22:13:20 UTC\n")
}

func TestATimeInTheFutureIsRefused(t *testing.T) {
	o := publishedOnce(t)
	late := o
	late.Epoch = time.Now().Add(time.Minute)
	assert.ErrorContains(t, Build(t.Context(), late), "the time of the indexes is in the future")
	late.Epoch = time.Now().Add(-time.Minute)
	require.NoError(t, Build(t.Context(), late))

	tomorrow := time.Now().Add(24 * time.Hour).UTC().Format(aptTime)
	publishAgain(t, o, func(release string) string {
		return strings.Replace(release, "Date: Tue, 14 Nov 2023 22:13:20 UTC", "Date: "+tomorrow, 1)
	})
	assert.ErrorContains(t, Build(t.Context(), o), "has a date in the future, "+tomorrow)
}

// TestWhatWasCheckedIsWhatIsUsed has every original overwritten while rpm
// checks the signatures.
func TestWhatWasCheckedIsWhatIsUsed(t *testing.T) {
	o := publishedOnce(t)
	rpm, err := exec.LookPath("rpm")
	require.NoError(t, err)
	inFront(t, "rpm", fmt.Sprintf(`%s "$@" || exit
case "$*" in
*-K*) for f in '%s'/* '%s'/apt/pool/main/*/* '%s'/yum/*/*.rpm; do echo changed >"$f"; done ;;
esac`, rpm, o.Packages, o.Published, o.Published))
	before := read(t, o.Packages, "kerio-connect-avir-clam_1.1.0_i386.deb")
	require.NoError(t, Build(t.Context(), o))
	assert.Equal(t, "changed\n", read(t, o.Packages, "kerio-connect-avir-clam_1.1.0_i386.deb"), "the test has changed the originals")
	assert.Equal(t, before, read(t, o.Out, "apt/pool/main/kerio-connect-avir-clam/kerio-connect-avir-clam_1.1.0_i386.deb"))
	o.Packages, o.Published, o.Out = build(t, "1.2.0", o.Signer), o.Out, filepath.Join(t.TempDir(), "next")
	assert.NoError(t, Build(t.Context(), o), "all that lies there is what its index lists")
}

// inFront puts a shell script in front of a program in PATH.
func inFront(t *testing.T, name, script string) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func TestNoProgramLearnsWhereTheKeyIs(t *testing.T) {
	o := publishedOnce(t)
	seen := filepath.Join(t.TempDir(), "environments")
	for _, name := range []string{"rpm", "apt-ftparchive", "createrepo_c"} {
		program, err := exec.LookPath(name)
		require.NoError(t, err)
		inFront(t, name, fmt.Sprintf("{ echo program %s; env; } >>'%s'\nexec %s \"$@\"", name, seen, program))
	}
	for _, variable := range []string{signing.KeyFileVariable, signing.KeyIDVariable, signing.PassphraseFileVariable} {
		t.Setenv(variable, "/a/secret")
	}
	require.NoError(t, Build(t.Context(), o))
	environments := read(t, seen)
	for _, name := range []string{"rpm", "apt-ftparchive", "createrepo_c"} {
		assert.Contains(t, environments, "program "+name+"\n", "it was called")
	}
	assert.NotContains(t, environments, "AVIR_SIGNING_")
	assert.NotContains(t, environments, "/a/secret")
}

func TestAnIndexListsExactlyWhatWasGathered(t *testing.T) {
	p := &pool{files: map[string]contents{".deb": {Stable: {"a/a_1_i386.deb": "01"}}}}
	assert.NoError(t, p.checkIndexed(debFormat, Stable, listing{"a/a_1_i386.deb": "01"}))
	for name, list := range map[string]listing{
		"one less":  {},
		"one more":  {"a/a_1_i386.deb": "01", "b/b_1_i386.deb": "02"},
		"another":   {"b/b_1_i386.deb": "01"},
		"a digest":  {"a/a_1_i386.deb": "02"},
		"no digest": {"a/a_1_i386.deb": ""},
	} {
		assert.Error(t, p.checkIndexed(debFormat, Stable, list), name)
	}
}

func TestAnUnencryptedPlaceIsRemarkedOn(t *testing.T) {
	for url, want := range map[string]bool{"http://example.org/a": true, "https://example.org/a": false} {
		o := Options{Packages: build(t, "1.0.0", nil), Out: filepath.Join(t.TempDir(), "repo"), URL: url, Epoch: epoch}
		text := printed(t, func() { require.NoError(t, Build(t.Context(), o)) })
		assert.Equal(t, want, strings.Contains(text, "is http: anybody on the way can change"), url)
	}
}
