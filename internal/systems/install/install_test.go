package install

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/asroot"
	"github.com/avirkit/avirkit/internal/build"
	"github.com/avirkit/avirkit/internal/build/toolchain"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/systems/rootfs"
)

// TestPackagesOnRealSystems is the part of "mage test:packages" that fits
// into continuous integration: one package instead of four, one Debian.
func TestPackagesOnRealSystems(t *testing.T) {
	asroot.Need(t, "the packages on real systems need root, for chroots")
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	dist := build.TestDist(root, toolchain.GCC)
	_, err = build.Run(t.Context(), build.Options{Root: root, Toolchain: toolchain.GCC, Dist: dist})
	require.NoError(t, err)
	version, err := packages.FindVersion(t.Context(), root)
	require.NoError(t, err)
	_, err = Run(t.Context(), Options{
		Root: root, Dist: dist, Version: version, Quick: true,
		Systems: []string{"this machine", "Debian 12 i386", bothWidths.Name(), "rpm i686", "dnf x86_64"},
	})
	require.NoError(t, err)
}

func TestAnUnknownSystemIsRefused(t *testing.T) {
	_, err := pick([]string{"Debian 6 i386"})
	assert.ErrorContains(t, err, `"Debian 12 i386"`, "it names those that there are")
	all, err := pick(nil)
	require.NoError(t, err)
	assert.Len(t, all, len(AllSystems()))
}

func TestARunThatTestedNothingFails(t *testing.T) {
	assert.ErrorContains(t, (&table{}).failure(), "no package was tested")
}

func TestOneFailedCycleFailsTheRunAndStopsNoOther(t *testing.T) {
	tab := &table{system: "here"}
	tab.do("a", "first", func() error { return errors.New("broken") })
	tab.do("a", "second", func() error { return nil })
	assert.ErrorContains(t, tab.failure(), "1 of 2 package test cycles failed")
}

func TestASystemThatTheMirrorLacksIsNoFailureUnlessThatIsWanted(t *testing.T) {
	missing := fmt.Errorf("can't be fetched: %w", rootfs.ErrStaleMirror)
	for _, tc := range []struct {
		strict, tested bool
		want           string
	}{{false, true, ""}, {true, true, "1 of 2 package test cycles failed"}, {false, false, "no package was tested"}} {
		tab := &table{system: "here", strict: tc.strict}
		tab.add("", "set up", time.Now(), missing)
		if tc.tested {
			tab.add("a", "first", time.Now(), nil)
		}
		assert.Equal(t, []string{"here"}, tab.untested())
		if err := tab.failure(); tc.want == "" {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, tc.want)
		}
	}
}

func TestASnapshotSeesWhatAPackageMustNotDo(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "opt/empty"), 0o755))
	file := filepath.Join(dir, "opt/file")
	require.NoError(t, os.WriteFile(file, []byte("1"), 0o644))
	before, err := take(dir)
	require.NoError(t, err)
	require.NoError(t, unchanged(dir, before))

	for name, change := range map[string]struct{ do, undo func() error }{
		"changed: /opt/file: -rw-------":  {func() error { return os.Chmod(file, 0o600) }, func() error { return os.Chmod(file, 0o644) }},
		"changed: /opt/empty: drwx------": {func() error { return os.Chmod(filepath.Join(dir, "opt/empty"), 0o700) }, func() error { return os.Chmod(filepath.Join(dir, "opt/empty"), 0o755) }},
		"missing: /opt/empty":             {func() error { return os.Remove(filepath.Join(dir, "opt/empty")) }, func() error { return os.Mkdir(filepath.Join(dir, "opt/empty"), 0o755) }},
		"new: /opt/more":                  {func() error { return os.Mkdir(filepath.Join(dir, "opt/more"), 0o755) }, func() error { return os.Remove(filepath.Join(dir, "opt/more")) }},
	} {
		require.NoError(t, change.do())
		assert.ErrorContains(t, unchanged(dir, before), name)
		require.NoError(t, change.undo())
		require.NoError(t, unchanged(dir, before))
	}
	assert.ErrorContains(t, unchanged(dir, before, "/opt/expected"), "not there: /opt/expected")
}

func TestVerdictsOfTheHostAreCounted(t *testing.T) {
	good := "init\tok\nverdict\tVIRUS_FOUND\t/srv/avirkit/eicar.com\tEicar\nverdict\tOK\t/srv/avirkit/clean.exe\t\nclose\tok\n"
	assert.NoError(t, verdicts(good, 1))
	assert.Error(t, verdicts(good, 2), "too few")
	assert.Error(t, verdicts("", 1))
	assert.Error(t, verdicts(good+"verdict\tOK\t/srv/avirkit/eicar.com\t\n", 1), "a wrong clean")
}
