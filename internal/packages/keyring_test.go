package packages

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/avirkit/avirkit/internal/packages/signing"
)

func TestTheKeyringPackageHasTheKeysWhereAptAndRpmLookForThem(t *testing.T) {
	// A person's umask must not keep apt, which reads as another user, from the key.
	defer unix.Umask(unix.Umask(0o077))
	o := options(t)
	s, err := signing.Throwaway(filepath.Join(t.TempDir(), "key"), 2048, o.Epoch)
	require.NoError(t, err)
	o.Signer, o.Keyring = s, s.Ring
	require.NoError(t, Build(t.Context(), o))
	deb, rpm := filepath.Join(o.Out, KeyringName+"_1.3.0_all.deb"), filepath.Join(o.Out, KeyringName+"-1.3.0-1.noarch.rpm")
	run := func(name string, args ...string) string {
		t.Helper()
		out, err := exec.Command(name, args...).CombinedOutput()
		require.NoErrorf(t, err, "%s: %s", name, out)
		return string(out)
	}
	root := t.TempDir()
	run("dpkg-deb", "-x", deb, root)
	binary, text, err := s.Public()
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join(root, AptKeyring))
	require.NoError(t, err)
	assert.Equal(t, binary, got)
	assert.Regexp(t, `(?m)^-rw-r--r-- root/root .* \.`+AptKeyring+`$`, run("dpkg-deb", "-c", deb))

	shown := run("rpm", "-qp", "--nosignature", "--qf", "[%{FILEMODES:perms} %{FILEUSERNAME} %{FILEFLAGS:fflags}%{FILENAMES}\n]", rpm)
	assert.Contains(t, shown, "-rw-r--r-- root "+RPMKeyring+"\n", "no %%config, which would keep an old key")
	// nfpm's names are absolute.
	content, err := exec.Command("sh", "-c", `rpm2cpio "$1" | cpio -i --quiet --to-stdout "$2"`, "sh", rpm, RPMKeyring).Output()
	require.NoError(t, err)
	assert.Equal(t, string(text), string(content))
	assert.Equal(t, "", strings.TrimSpace(run("rpm", "-qp", "--nosignature", "--scripts", rpm)))

	o.Keyring = nil
	require.NoError(t, Build(t.Context(), o))
	assert.NoFileExists(t, deb, "without keys there is no such package")
}
