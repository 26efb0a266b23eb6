package packages

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/platform"
)

// sandbox is a folder that stands for the system: the scripts' paths below
// /opt and /var/lib lead there.
type sandbox struct {
	dir   string
	texts *texts
}

func newSandbox(t *testing.T, of *platform.Platform) sandbox {
	t.Helper()
	d, err := Load(filepath.Join(aRoot, "packaging"))
	require.NoError(t, err)
	s := sandbox{dir: t.TempDir(), texts: textsOf(t, d, "clam", of)}
	// Where there is no dpkg-divert to call, the scripts must not call it.
	for _, dir := range []string{"opt", "var/lib"} {
		require.NoError(t, os.MkdirAll(s.path(dir), 0o755))
	}
	return s
}

func (s sandbox) path(name string) string { return filepath.Join(s.dir, name) }

// run runs a script with the plainest shell.
func (s sandbox) run(t *testing.T, script string, args ...string) string {
	t.Helper()
	text, err := s.texts.file(strings.Split(script, "/")...)
	require.NoError(t, err)
	shell := exec.Command("dash", append([]string{"-s", "--"}, args...)...)
	shell.Stdin = strings.NewReader(strings.NewReplacer("/opt/", s.dir+"/opt/", "/var/lib/avirkit", s.dir+"/var/lib/avirkit").Replace(string(text)))
	out, err := shell.CombinedOutput()
	require.NoErrorf(t, err, "%s %s: %s", script, args, out)
	return string(out)
}

func (s sandbox) write(t *testing.T, name string, content []byte, mode os.FileMode) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(s.path(name)), 0o755))
	require.NoError(t, os.WriteFile(s.path(name), content, mode))
	require.NoError(t, os.Chmod(s.path(name), mode))
}

const (
	connectFolder  = "opt/kerio/mailserver"
	connectPlugins = connectFolder + "/plugin/avserver/avirs"
)

// A full disk can end preinst between its two files.
func TestWhatAFailedPreinstLeftGoesWithThePackage(t *testing.T) {
	s := newSandbox(t, platform.All[0])
	s.write(t, "var/lib/avirkit/kerio-connect-avir-clam.dirs.new", nil, 0o644)
	s.run(t, "rpm/postun", "0")
	assert.NoDirExists(t, s.path("var/lib/avirkit"))
}

func TestFoldersThatThePackageMadeGoWithItUnlessTheProductCameMeanwhile(t *testing.T) {
	for _, tc := range []struct {
		name    string
		product string // a file of the product's, which came after the package
		stay    bool
	}{
		{"no product", "", false},
		{"a file beside the folder of plugins", connectFolder + "/plugin/avserver/avserver", true},
		{"a file in the product's own folder", connectFolder + "/mailserver", true},
		{"another product of the vendor", "opt/kerio/winroute/winroute", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSandbox(t, platform.All[0])
			s.run(t, "rpm/pre", "1")
			require.NoError(t, os.MkdirAll(s.path(connectPlugins), 0o755)) // by rpm
			if tc.product != "" {
				s.write(t, tc.product, []byte("the product"), 0o755)
			}
			s.run(t, "rpm/postun", "0")
			if tc.stay {
				assert.DirExists(t, s.path(connectPlugins), "its package lists this folder now, and it may be empty")
			} else {
				assert.NoDirExists(t, s.path(connectFolder))
			}
			if tc.product != "" {
				assert.FileExists(t, s.path(tc.product))
			} else {
				assert.NoDirExists(t, s.path("opt/kerio"))
			}
			assert.NoDirExists(t, s.path("var/lib/avirkit"))
		})
	}
}

// elfHeader begins an ELF file of one class.
func elfHeader(class byte) []byte { return append([]byte("\x7fELF"), class, 1, 1, 0) }

func TestAServerOfTheOtherWidthIsToldOfWithTheCommandThatHelps(t *testing.T) {
	const near, far = connectFolder + "/plugin/avserver/avserver", connectFolder + "/a/b/c/d/avserver"
	for _, tc := range []struct {
		name  string
		of    *platform.Platform // of the package
		files map[string][]byte
		want  string // how the sentence begins, after the file's name; none if empty
	}{
		{"no product", platform.All[0], nil, ""},
		{"the same width", platform.All[0], map[string][]byte{near: elfHeader(1)}, ""},
		{"the same width of 64 bits", platform.All[1], map[string][]byte{near: elfHeader(2)}, ""},
		{"a 64-bit server", platform.All[0], map[string][]byte{near: elfHeader(2)}, near + " is a 64-bit program and cannot load this 32-bit library"},
		{"a 32-bit server", platform.All[1], map[string][]byte{near: elfHeader(1)}, near + " is a 32-bit program and cannot load this 64-bit library"},
		{"a server elsewhere", platform.All[1], map[string][]byte{far: elfHeader(1)}, far + " is a 32-bit program"},
		{"one that is a script, and a server elsewhere", platform.All[1], map[string][]byte{near: []byte("#!/bin/sh\n"), far: elfHeader(1)}, far + " is a 32-bit program"},
		{"a script elsewhere and a server behind it", platform.All[1], map[string][]byte{connectFolder + "/a/avserver": []byte("no"), connectFolder + "/b/avserver": nil, far: elfHeader(1)}, far + " is"},
		{"the path of a folder with a blank", platform.All[1], map[string][]byte{connectFolder + "/a b/avserver": elfHeader(1)}, connectFolder + "/a b/avserver is a 32-bit program"},
		{"only mail that is called so", platform.All[1], map[string][]byte{connectFolder + "/store/avserver": elfHeader(1)}, ""},
		{"an unknown class", platform.All[1], map[string][]byte{near: elfHeader(3)}, ""},
		{"a file that is cut off", platform.All[1], map[string][]byte{near: elfHeader(1)[:4]}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSandbox(t, tc.of)
			for name, content := range tc.files {
				s.write(t, name, content, 0o755)
			}
			other := tc.of.Other()
			for script, args := range map[string][]string{"deb/postinst": {"configure", "1.0"}, "rpm/post": {"2"}} {
				out := s.run(t, script, args...)
				if tc.want == "" {
					assert.NotContains(t, out, "cannot load")
					continue
				}
				assert.Contains(t, out, "kerio-connect-avir-clam: "+s.path(tc.want), script)
				assert.Equal(t, 1, strings.Count(out, "cannot load"), "one sentence")
				switch script {
				case "deb/postinst":
					assert.Regexp(t, fmt.Sprintf(`run: (dpkg --add-architecture %s && apt-get update && )?apt-get install kerio-connect-avir-clam:%[1]s\n`, other.Deb), out)
				case "rpm/post":
					assert.Regexp(t, fmt.Sprintf(`run: (dnf swap kerio-connect-avir-clam|yum remove kerio-connect-avir-clam && yum install) kerio-connect-avir-clam.%s\n`, other.RPM), out)
				}
			}
		})
	}
}

func TestALinkToTheServerIsFollowedAndNoSpecialFileIsOpened(t *testing.T) {
	s := newSandbox(t, platform.All[1])
	near, linked := s.path(connectFolder+"/plugin/avserver/avserver"), connectFolder+"/bin/avserver"
	s.write(t, connectFolder+"/bin/server32", elfHeader(1), 0o755)
	require.NoError(t, os.Symlink("server32", s.path(linked)))
	require.NoError(t, os.MkdirAll(filepath.Dir(near), 0o755))
	require.NoError(t, syscall.Mkfifo(near, 0o600))
	for script, args := range map[string][]string{"deb/postinst": {"configure", "1.0"}, "rpm/post": {"2"}} {
		assert.Contains(t, s.run(t, script, args...), s.path(linked)+" is a 32-bit program and cannot load this 64-bit library", script)
	}
}

func TestAnUpgradeSaysHowTheNewLibraryComesIntoUse(t *testing.T) {
	s := newSandbox(t, platform.All[0])
	const hint = "a running antivirus server keeps the old library until the antivirus is switched off and on in the console, or Kerio Connect is restarted\n"
	for script, args := range map[string][2]string{"deb/postinst": {"", "1.0"}, "rpm/post": {"1", "2"}} {
		first, upgrade := []string{args[0]}, []string{args[1]}
		if script == "deb/postinst" {
			first, upgrade = []string{"configure", args[0]}, []string{"configure", args[1]}
		}
		out := s.run(t, script, upgrade...)
		assert.Equal(t, 1, strings.Count(out, hint), script)
		assert.Equal(t, 1, strings.Count(out, "\n"), "one line")
		assert.NotContains(t, s.run(t, script, first...), hint, script)
	}
}

func TestAPluginThatWasThereBeforeAnRPMPackageComesBack(t *testing.T) {
	s := newSandbox(t, platform.All[0])
	library := connectPlugins + "/avir_clam.so"
	kept := connectFolder + "/plugin/avserver/avir_clam.so.before-kerio-connect-avir-clam"
	original := []byte("the original")
	s.write(t, library, original, 0o640)
	before, err := os.Stat(s.path(library))
	require.NoError(t, err)

	out := s.run(t, "rpm/pre", "1")
	assert.Equal(t, fmt.Sprintf("kerio-connect-avir-clam: keeps the %s that is here as %s until this package is removed\n", s.path(library), s.path(kept)), out)
	assert.FileExists(t, s.path(library), "it works until rpm replaces it")
	s.run(t, "rpm/pre", "1") // rpm could not unpack, and is tried again

	replace := func(content string) {
		s.write(t, library+".new", []byte(content), 0o644)
		require.NoError(t, os.Rename(s.path(library+".new"), s.path(library)))
	}
	replace("ours")
	assert.Empty(t, s.run(t, "rpm/pre", "2"), "an upgrade finds its own file")
	replace("ours, newer")
	s.run(t, "rpm/postun", "1")
	require.FileExists(t, s.path(kept))

	require.NoError(t, os.Remove(s.path(library)))
	assert.Contains(t, s.run(t, "rpm/postun", "0"), "puts the "+s.path(library)+" back")
	after, err := os.Stat(s.path(library))
	require.NoError(t, err)
	assert.True(t, os.SameFile(before, after))
	assert.Equal(t, before.Mode(), after.Mode())
	assert.Equal(t, before.ModTime(), after.ModTime())
	assert.NoFileExists(t, s.path(kept))
}

func TestAKeptFileIsNeverOverwritten(t *testing.T) {
	s := newSandbox(t, platform.All[0])
	library, kept := connectPlugins+"/avir_clam.so", connectFolder+"/plugin/avserver/avir_clam.so.before-kerio-connect-avir-clam"
	s.write(t, library, []byte("one"), 0o644)
	s.write(t, kept, []byte("another"), 0o644)
	text, err := s.texts.file("rpm", "pre")
	require.NoError(t, err)
	shell := exec.Command("dash", "-s", "--", "1")
	shell.Stdin = strings.NewReader(strings.NewReplacer("/opt/", s.dir+"/opt/", "/var/lib/avirkit", s.dir+"/var/lib/avirkit").Replace(string(text)))
	out, err := shell.CombinedOutput()
	assert.Error(t, err)
	assert.Contains(t, string(out), "move one of them away")

	assert.Contains(t, s.run(t, "rpm/postun", "0"), "stays at")
	for name, want := range map[string]string{library: "one", kept: "another"} {
		content, err := os.ReadFile(s.path(name))
		require.NoError(t, err)
		assert.Equal(t, want, string(content))
	}
}
