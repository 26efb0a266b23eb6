package session

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeProgram puts a shell script into the front of PATH.
func fakeProgram(t *testing.T, name, text string) {
	t.Helper()
	path := write(t, filepath.Join(t.TempDir(), name), "#!/bin/sh\n"+text)
	require.NoError(t, os.Chmod(path, 0o755))
	t.Setenv("PATH", filepath.Dir(path)+":"+os.Getenv("PATH"))
}

// fakeProviders are a virsh and a VBoxManage whose machines, pools and
// networks are the files of a folder. With a file stuck they refuse to end
// anything, as often as it has lines; with a file down they do not answer.
func fakeProviders(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	const head = `cd "$STATE" || exit 1
if [ -e down ]; then echo "error: no connection" >&2; exit 1; fi
end() { if [ -s stuck ]; then sed -i 1d stuck; exit 1; fi; rm "$1"; }
`
	t.Setenv("STATE", dir)
	fakeProgram(t, "virsh", head+`shift 3
case $1 in
list) ls domains ;;
pool-list) ls pools | sed 's|$|    |' ;; # as the real one has it
net-list) ls nets ;;
vol-list) ;;
undefine) end "domains/$2" ;;
pool-undefine) end "pools/$2" ;;
net-destroy) end "nets/$2" ;;
esac`)
	fakeProgram(t, "VBoxManage", head+`echo "$VBOX_USER_HOME $VBOX_IPC_SOCKETID" > environment
case $1 in
list) ls domains | sed 's/.*/"&" {0}/' ;;
unregistervm) end "domains/$2" ;;
esac`)
	fakeProgram(t, "sleep", "") // the keeper's rests between its tries
	return dir
}

// fill gives the providers what a run has, and what belongs to others.
func fill(t *testing.T, dir, name string) {
	t.Helper()
	for _, file := range []string{"domains/" + name + "_debian6", "domains/other", "domains/x" + name + "_debian6",
		"pools/" + name, "pools/default", "nets/" + name, "nets/default"} {
		write(t, filepath.Join(dir, file), "")
	}
}

func TestTheKeeperTriesUntilNothingIsLeft(t *testing.T) {
	for _, m := range []Mode{SystemLibvirt, VirtualBox} {
		t.Run(string(m), func(t *testing.T) {
			dir, home := fakeProviders(t), t.TempDir()
			s, err := Begin(t.Context(), Options{Cache: t.TempDir(), Mode: m, Home: home})
			require.NoError(t, err)
			fill(t, dir, s.Name)
			write(t, filepath.Join(dir, "stuck"), "1\n2\n3\n")
			write(t, filepath.Join(home, "boxes", s.Name+"-debian6", "0", "box.img"), "unpacked")
			other := write(t, filepath.Join(home, "boxes", "avirkit-debian6-0123456789ab", "0", "box.img"), "another's")
			unpacking := write(t, filepath.Join(home, "tmp", "x"), "another's")

			require.NoError(t, s.End())

			assert.NoDirExists(t, s.Dir)
			assert.NoFileExists(t, filepath.Join(dir, "domains", s.Name+"_debian6"))
			assert.FileExists(t, filepath.Join(dir, "domains", "other"))
			assert.FileExists(t, filepath.Join(dir, "domains", "x"+s.Name+"_debian6"))
			assert.FileExists(t, filepath.Join(dir, "pools", "default"))
			assert.NoDirExists(t, filepath.Join(home, "boxes", s.Name+"-debian6"))
			assert.FileExists(t, other)
			assert.FileExists(t, unpacking, "it is in the user's own folder")
			if m == SystemLibvirt {
				assert.NoFileExists(t, filepath.Join(dir, "pools", s.Name))
				assert.NoFileExists(t, filepath.Join(dir, "nets", s.Name))
				return
			}
			seen, err := os.ReadFile(filepath.Join(dir, "environment"))
			require.NoError(t, err)
			assert.Equal(t, s.Path("vbox")+" "+s.Name, strings.TrimSpace(string(seen)), "the user's VirtualBox is left alone")
		})
	}
}

func TestWhatCouldNotBeEndedIsNamedAndLeftToTheNextRun(t *testing.T) {
	for _, m := range []Mode{SystemLibvirt, VirtualBox} {
		for name, why := range map[string]string{"stuck": strings.Repeat("no\n", 1000), "down": ""} {
			t.Run(string(m)+" "+name, func(t *testing.T) {
				dir, cache := fakeProviders(t), t.TempDir()
				s, err := Begin(t.Context(), Options{Cache: cache, Mode: m, Home: ""})
				require.NoError(t, err)
				fill(t, dir, s.Name)
				block := write(t, filepath.Join(dir, name), why)

				err = s.End()

				says := map[string]string{"stuck": "machine " + s.Name + "_debian6", "down": "no connection"}[name]
				require.ErrorContains(t, err, says)
				require.DirExists(t, s.Dir)
				require.ErrorContains(t, sweepRun(t.Context(), s.Dir, s.Name), "then remove "+s.Dir)
				require.DirExists(t, s.Dir)
				require.NoError(t, os.Remove(block))
				require.NoError(t, sweepRun(t.Context(), s.Dir, s.Name))
				assert.NoDirExists(t, s.Dir)
				assert.NoFileExists(t, filepath.Join(dir, "domains", s.Name+"_debian6"))
			})
		}
	}
}

func TestWhatVagrantWasUnpackingGoesWithTheRun(t *testing.T) {
	cache := t.TempDir()
	home := filepath.Join(cache, "vagrant")
	s, err := Begin(t.Context(), Options{Cache: cache, Mode: Plain, Home: home})
	require.NoError(t, err)
	write(t, filepath.Join(home, "tmp", "half", "box.img"), "")
	kept := write(t, filepath.Join(home, "boxes", "bento-VAGRANTSLASH-x", "1", "libvirt", "box.img"), "")
	require.NoError(t, s.End())
	left, err := os.ReadDir(filepath.Join(home, "tmp"))
	require.NoError(t, err)
	assert.Empty(t, left)
	assert.FileExists(t, kept)
}
