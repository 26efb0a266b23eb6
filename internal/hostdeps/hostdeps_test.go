package hostdeps

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// system puts fakes of Debian's tools into PATH: dpkg-query knows the packages
// in installed, apt-get installs there and logs its arguments.
func system(t *testing.T, installed ...string) (log func() string) {
	t.Helper()
	dir := t.TempDir()
	db := filepath.Join(dir, "db")
	require.NoError(t, os.Mkdir(db, 0o755))
	for _, p := range installed {
		require.NoError(t, os.WriteFile(filepath.Join(db, p), nil, 0o644))
	}
	script := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o755))
	}
	// A package of two architectures has two lines.
	script("dpkg-query", `shift 3
for p; do test -e "`+db+`/$p" && { echo "$p installed"; case $p in libc6*) echo "$p installed" ;; esac; } || unknown=1; done
test -z "$unknown"`)
	// The first install fails until update has run, as with old lists.
	script("apt-get", `echo "$*" >> "`+dir+`/log"
case $1 in
update) touch "`+dir+`/updated" ;;
install) test -e "`+dir+`/updated" || exit 100; shift 5; for p; do touch "`+db+`/$p"; done ;;
esac`)
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	return func() string {
		b, _ := os.ReadFile(filepath.Join(dir, "log"))
		return string(b)
	}
}

func TestMissingNamesWhatIsNotInstalled(t *testing.T) {
	system(t, "binutils", "libc6-dev")

	missing, err := Missing(context.Background(), "npm", "binutils", "libc6-dev", "unzip")

	require.NoError(t, err)
	assert.Equal(t, []string{"npm", "unzip"}, missing)
}

func TestNeedInstallsJustWhatIsMissing(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Setenv("AVIR_NO_INSTALL", "")
		err := Need(context.Background(), "surely-not-installed")
		require.ErrorContains(t, err, "run: sudo apt-get install -y --no-install-recommends surely-not-installed")
		return
	}
	t.Setenv("AVIR_NO_INSTALL", "")
	log := system(t, "binutils")

	require.NoError(t, Need(context.Background(), "binutils", "npm", "unzip"))

	assert.Equal(t, "install -y --no-install-recommends -o DPkg::Lock::Timeout=120 npm unzip\n"+
		"update\n"+
		"install -y --no-install-recommends -o DPkg::Lock::Timeout=120 npm unzip\n", log())
}

func TestNeedDoesNothingWhenAllIsThere(t *testing.T) {
	log := system(t, "binutils")

	require.NoError(t, Need(context.Background(), "binutils"))

	assert.Empty(t, log())
}

func TestNeedOnlyTellsWhenItMustNotInstall(t *testing.T) {
	t.Setenv("AVIR_NO_INSTALL", "1")
	log := system(t, "binutils")

	err := Need(context.Background(), "binutils", "npm")

	require.ErrorContains(t, err, "apt-get install -y --no-install-recommends npm")
	assert.NotContains(t, err.Error(), "binutils")
	assert.Empty(t, log())
}

func TestNeedSaysWhatToInstallWhereThereIsNoDpkg(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	script := []byte("#!/bin/sh\necho /lib32/crt1.o\n")
	for _, name := range []string{"gcc", "objcopy"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), script, 0o755))
	}
	require.NoError(t, Need(context.Background(), "binutils", "gcc-multilib"))

	err := Need(context.Background(), "binutils", "npm", "unheard-of")

	assert.ErrorContains(t, err, "not a Debian-like system")
	assert.ErrorContains(t, err, "packages hold: npm unheard-of")
}
