package rootfs

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/asroot"
	"github.com/avirkit/avirkit/internal/build/platform"
)

// busyRoot is a tree with one static program, a shell with many commands.
func busyRoot(t *testing.T) Root {
	t.Helper()
	asroot.Need(t, "programs run in trees only as root")
	busybox, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Skip("NOT TESTED: no /bin/busybox on this machine: ", err)
	}
	r := Root{Dir: t.TempDir()}
	require.NoError(t, r.Write("bin/busybox", string(busybox), 0o755))
	require.NoError(t, os.Mkdir(r.Path("proc"), 0o755))
	return r
}

func TestAProgramInATreeKnowsNothingOfItsCallersEnvironment(t *testing.T) {
	asroot.Need(t, "programs run in trees only as root")
	t.Setenv("HOME", "/home/somebody")
	t.Setenv("TMPDIR", "/somewhere")
	t.Setenv("http_proxy", "http://proxy")
	t.Setenv("SECRET", "1")
	// The tree is this machine's own, so that the test needs no other.
	out, err := Root{Dir: "/"}.Run(t.Context(), "env")
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TMPDIR=/tmp", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive",
	}, strings.Fields(out))
}

func TestATreeSeesOnlyItsOwnProcessesAndLeavesNoMount(t *testing.T) {
	asroot.Need(t, "programs run in trees only as root")
	r := Root{Dir: "/"}
	out, err := r.Run(t.Context(), "sh", "-c", "echo /proc/[0-9]*; readlink /proc/self/ns/mnt")
	require.NoError(t, err)
	assert.Contains(t, out, "/proc/1")
	assert.Less(t, len(strings.Fields(out)), 5, "processes of this machine: %s", out)
	mine, err := os.Readlink("/proc/self/ns/mnt")
	require.NoError(t, err)
	assert.NotContains(t, out, mine)
}

func TestWhatAProgramLeavesRunningEndsWithIt(t *testing.T) {
	r := busyRoot(t)
	seconds := fmt.Sprint(100000 + os.Getpid()) // tells the process from others
	_, err := r.Run(t.Context(), "/bin/busybox", "sh", "-c", "/bin/busybox sleep "+seconds+" & exit 0")
	require.NoError(t, err)
	assert.Eventually(t, func() bool { return exec.Command("pgrep", "-f", "sleep "+seconds).Run() != nil }, 10*time.Second, 10*time.Millisecond)
}

func TestACancelledProgramEnds(t *testing.T) {
	asroot.Need(t, "programs run in trees only as root")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	seconds := fmt.Sprint(200000 + os.Getpid())
	_, err := Root{Dir: "/"}.Run(ctx, "sleep", seconds)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Eventually(t, func() bool { return exec.Command("pgrep", "-f", "sleep "+seconds).Run() != nil }, 10*time.Second, 10*time.Millisecond)
}

func TestATreeRunsThePlatformsWhoseLinkerItHas(t *testing.T) {
	r := Root{Dir: t.TempDir()}
	p, other := platform.All[0], platform.All[1]
	require.NoError(t, os.MkdirAll(filepath.Dir(r.Path(p.Loader)), 0o755))
	// As Debian 11 has it; on this machine the link leads nowhere.
	require.NoError(t, os.Symlink("/nonexistent/ld-2.31.so", r.Path(p.Loader)))
	assert.True(t, r.Runs(p))
	assert.False(t, r.Runs(other))
}

func TestAnotherChoiceOfPackagesIsAnotherSystem(t *testing.T) {
	d := Debian{Number: "12", Codename: "bookworm", Arch: "i386"}
	with := d
	with.Include = []string{"sudo"}
	assert.NotEqual(t, d.Tarball("/root"), with.Tarball("/root"))
	assert.Equal(t, d.Tarball("/root"), d.Tarball("/root"))
	assert.Contains(t, d.Tarball("/checkout"), "/checkout/.cache/rootfs/debian-12-i386-")
}

func TestACachedSystemIsUnpackedWithItsOwners(t *testing.T) {
	asroot.Need(t, "programs run in trees only as root")
	root := t.TempDir()
	d := Debian{Number: "0", Codename: "none", Arch: "i386"}
	require.NoError(t, os.MkdirAll(filepath.Dir(d.Tarball(root)), 0o755))
	f, err := os.Create(d.Tarball(root))
	require.NoError(t, err)
	require.NoError(t, WriteProducts(f))
	require.NoError(t, f.Close())
	var said []string

	r, err := d.Unpack(t.Context(), root, filepath.Join(root, "tree"), func(s string) { said = append(said, s) })

	require.NoError(t, err)
	assert.Equal(t, []string{"unpacking " + d.Tarball(root)}, said, "nothing is fetched")
	info, err := os.Stat(r.Path("opt/kerio/mailserver"))
	require.NoError(t, err)
	assert.EqualValues(t, 1201, info.Sys().(*syscall.Stat_t).Uid)

	require.NoError(t, os.WriteFile(d.Tarball(root), []byte("no tar file"), 0o644))
	_, err = d.Unpack(t.Context(), root, filepath.Join(root, "other"), nil)
	assert.ErrorContains(t, err, "if the cached system is broken, delete "+d.Tarball(root))
}

func TestAMirrorThatDebianDidNotSignIsRefused(t *testing.T) {
	asroot.Need(t, "programs run in trees only as root")
	if _, err := exec.LookPath("mmdebstrap"); err != nil {
		t.Skip("NOT TESTED: no mmdebstrap on this machine: ", err)
	}
	packages := "Package: evil\nVersion: 1\nArchitecture: i386\nEssential: yes\nFilename: evil.deb\nSize: 1\nSHA256: 00\n"
	release := fmt.Sprintf("Origin: Debian\nLabel: Debian\nSuite: stable\nCodename: bookworm\nArchitectures: i386\nComponents: main\nDate: %s\nSHA256:\n %x %d main/binary-i386/Packages\n",
		time.Now().UTC().Format(time.RFC1123), sha256.Sum256([]byte(packages)), len(packages))
	mirror := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/dists/bookworm/Release":
			fmt.Fprint(w, release)
		case "/dists/bookworm/main/binary-i386/Packages":
			fmt.Fprint(w, packages)
		default:
			http.NotFound(w, r)
		}
	}))
	defer mirror.Close()
	t.Setenv("AVIR_DEBIAN_MIRROR", mirror.URL)
	root := t.TempDir()
	d := Debian{Number: "12", Codename: "bookworm", Arch: "i386"}

	_, err := d.Unpack(t.Context(), root, filepath.Join(root, "tree"), nil)

	require.Error(t, err)
	assert.Contains(t, err.Error(), "not signed")
	assert.NoFileExists(t, d.Tarball(root))
	assert.NoDirExists(t, filepath.Join(root, "tree.new"), "nothing is left")
}

func TestTheProductsComeAndGoAsAWhole(t *testing.T) {
	asroot.Need(t, "programs run in trees only as root")
	r := Root{Dir: t.TempDir()}
	require.NoError(t, r.MakeProducts(t.Context()))
	for _, f := range productFiles {
		var st syscall.Stat_t
		require.NoError(t, syscall.Stat(r.Path(f.path), &st), f.path)
		assert.EqualValues(t, f.mode, st.Mode&0o7777, f.path)
		assert.EqualValues(t, f.uid, st.Uid, f.path)
	}
	require.NoError(t, r.RemoveProducts())
	assert.NoDirExists(t, r.Path("opt/kerio"))
}

func TestAStaleMirrorIsToldInOneLine(t *testing.T) {
	d := Debian{Number: "13", Codename: "trixie", Arch: "i386"}
	retries := strings.Repeat("Ign:2 http://m trixie/main i386 Packages\n", 10)
	for _, reason := range []string{"File has unexpected size (9 != 10). Mirror sync in progress?", "Hash Sum mismatch"} {
		err := d.explain("http://m", errors.New(retries+"E: Failed to fetch http://m/Packages.xz  "+reason))
		assert.ErrorContains(t, err, "Debian 13 i386 (trixie) can't be fetched: the mirror's index does not match its Release file at http://m; ")
		assert.ErrorContains(t, err, "AVIR_DEBIAN_MIRROR")
		assert.NotContains(t, err.Error(), "\n")
	}
	other := errors.New("no network")
	assert.Equal(t, other, d.explain("http://m", other))
}

func TestTheProxyOfAptIsTaken(t *testing.T) {
	conf := filepath.Join(t.TempDir(), "apt.conf")
	require.NoError(t, os.WriteFile(conf, []byte(`Acquire::http::Proxy "http://127.0.0.1:3142";`), 0o644))
	if _, err := exec.LookPath("apt-config"); err != nil {
		t.Skip("NOT TESTED: no apt on this machine: ", err)
	}
	t.Setenv("APT_CONFIG", conf)
	proxy, err := aptProxy(t.Context())
	require.NoError(t, err)
	assert.Contains(t, proxy, `Acquire::http::Proxy "http://127.0.0.1:3142";`)
	t.Setenv("https_proxy", "http://other:1")
	proxy, err = aptProxy(t.Context())
	require.NoError(t, err)
	assert.Contains(t, proxy, `Acquire::https::Proxy "http://other:1";`)
}

func TestTheStubSatisfiesWhatLibrariesOfTheFloorNeed(t *testing.T) {
	if _, err := exec.LookPath("rpm"); err != nil {
		t.Skip("NOT TESTED: no rpm on this machine: ", err)
	}
	for _, c := range []struct {
		platforms []*platform.Platform
		has, not  []string
	}{
		{platform.All, []string{"/bin/sh", "rtld(GNU_HASH)", "libc.so.6", "libc.so.6(GLIBC_2.0)", "libc.so.6()(64bit)", "libc.so.6(GLIBC_2.2.5)(64bit)"}, []string{"libc.so.6(GLIBC_2.12)"}},
		{platform.All[1:], []string{"libc.so.6()(64bit)", "ld-linux-x86-64.so.2()(64bit)"}, []string{"libc.so.6", "libc.so.6(GLIBC_2.0)"}},
	} {
		content, err := StubRPM(c.platforms...)
		require.NoError(t, err)
		file := filepath.Join(t.TempDir(), "glibc.rpm")
		require.NoError(t, os.WriteFile(file, content, 0o644))
		out, err := exec.Command("rpm", "-qp", "--nosignature", "--provides", file).Output()
		require.NoError(t, err)
		provided := strings.Split(strings.TrimSpace(string(out)), "\n")
		assert.Subset(t, provided, c.has)
		for _, name := range c.not {
			assert.NotContains(t, provided, name)
		}
	}
}
