package repo

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/asroot"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/packages/signing"
)

// rotation publishes a repository at a web server, and plays through it what
// docs/releasing.md tells publishers to do.
type rotation struct {
	t    *testing.T
	o    Options
	ring func(keys ...string) string
	old  string
	next string
}

func newRotation(t *testing.T) *rotation {
	r := &rotation{t: t}
	secrets, ring := keyFiles(t)
	r.old, r.next = secrets[0], secrets[1]
	both, err := signing.ReadRing(ring)
	require.NoError(t, err)
	_, text, err := both.Public()
	require.NoError(t, err)
	armors := strings.SplitAfter(string(text), "-----END PGP PUBLIC KEY BLOCK-----\n")
	r.ring = func(keys ...string) string {
		path := filepath.Join(t.TempDir(), "ring.asc")
		for i, secret := range secrets {
			for _, k := range keys {
				if k == secret {
					f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
					require.NoError(t, err)
					_, err = f.WriteString(armors[i])
					require.NoError(t, err)
					require.NoError(t, f.Close())
				}
			}
		}
		return path
	}
	out := filepath.Join(t.TempDir(), "published")
	files := http.FileServer(http.Dir(out))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		q.Header.Del("If-Modified-Since") // two versions come within a second here
		files.ServeHTTP(w, q)
	}))
	t.Cleanup(server.Close)
	r.o = Options{Out: out, Published: out, URL: server.URL, Epoch: epoch}
	return r
}

// publish makes a version that some keys sign and others are given to clients with.
func (r *rotation) publish(version string, sign, trust []string, without ...packages.Version) {
	r.t.Helper()
	r.o.Signer = signers(r.t, r.ring(trust...), sign...)
	v, err := packages.ParseVersion(version)
	require.NoError(r.t, err)
	p := packages.Options{Data: data, Dist: dist, Out: filepath.Join(r.t.TempDir(), "packages"), Version: v, Epoch: epoch, Signer: r.o.Signer, Keyring: r.o.Signer.Ring}
	require.NoError(r.t, packages.Build(r.t.Context(), p))
	r.o.Packages, r.o.Without = p.Out, without
	require.NoError(r.t, Build(r.t.Context(), r.o))
}

func TestAptFollowsTheKeysFromOldToNew(t *testing.T) {
	asroot.Need(t, "dpkg and rpm install only as root")
	r := newRotation(t)
	// The published key of the beginning is what a client got from its
	// administrator.
	enter := func() *aptClient { return newApt(t, r.o.Out, r.o.URL) }
	upgraded := func(a *aptClient, keys int) {
		t.Helper()
		out, err := a.install(t, packages.KeyringName)
		require.NoError(t, err, out)
		got, err := signing.ReadRing(a.keys())
		require.NoError(t, err)
		assert.Len(t, got.Fingerprints(), keys)
	}
	r.publish("1.0.0", []string{r.old}, []string{r.old})
	follower, sleeper := enter(), enter()
	upgraded(follower, 1)

	r.publish("1.1.0", []string{r.old, r.next}, []string{r.old, r.next})
	upgraded(follower, 2)
	atBoth := enter()
	out, err := sleeper.install(t)
	require.NoError(t, err, "the old key is good as long as it signs: %s", out)

	r.publish("1.2.0", []string{r.next}, []string{r.old, r.next})
	upgraded(follower, 2)
	out, err = sleeper.install(t, packages.KeyringName)
	require.Error(t, err, "who never took the new key gets nothing more: %s", out)
	assert.Regexp(t, `NO_PUBKEY|Missing key`, out)

	r.publish("1.3.0", []string{r.next}, []string{r.next}, version(t, "1.0.0"), version(t, "1.1.0"))
	upgraded(follower, 1)
	upgraded(enter(), 1)
	upgraded(atBoth, 1)
}

// aptClient is this machine's apt at work in a tree of its own. The keyring
// package is the one that such a bare tree can take: it needs nothing.
type aptClient struct{ root string }

func newApt(t *testing.T, published, url string) *aptClient {
	t.Helper()
	a := &aptClient{t.TempDir()}
	key := read(t, published, "avirkit.gpg")
	for name, text := range map[string]string{
		packages.AptKeyring:    key,
		"etc/apt/sources.list": fmt.Sprintf("deb [signed-by=%s] %s/apt stable main\n", a.keys(), url),
		"apt.conf": fmt.Sprintf("Dir %q;\nDir::State::status %q;\nDir::Log %q;\nAPT::Architecture \"amd64\";\nAPT::Sandbox::User \"root\";\nDPkg::Options { \"--root=%s\"; \"--log=%s/dpkg.log\"; \"--force-unsafe-io\"; };\n",
			a.root, a.root+"/var/lib/dpkg/status", a.root, a.root, a.root),
		"var/lib/dpkg/status": "", "var/lib/dpkg/available": "", "var/lib/dpkg/info/x": "", "var/lib/dpkg/updates/0": "",
		"var/lib/apt/lists/partial/x": "", "var/cache/apt/archives/partial/x": "", "etc/apt/preferences.d/x": "", "etc/apt/apt.conf.d/x": "",
	} {
		path := filepath.Join(a.root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		if filepath.Base(name) != "x" && filepath.Base(name) != "0" {
			require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		}
	}
	return a
}

func (a *aptClient) keys() string { return filepath.Join(a.root, packages.AptKeyring) }

func (a *aptClient) get(t *testing.T, args ...string) (string, error) {
	cmd := exec.CommandContext(t.Context(), "apt-get", append([]string{"-y", "-q"}, args...)...)
	cmd.Env = append(os.Environ(), "APT_CONFIG="+filepath.Join(a.root, "apt.conf"), "http_proxy=", "no_proxy=*", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// install looks at the index again, and then installs or upgrades.
func (a *aptClient) install(t *testing.T, what ...string) (string, error) {
	out, err := a.get(t, "update", "--error-on=any")
	if err != nil || len(what) == 0 {
		return out, err
	}
	more, err := a.get(t, append([]string{"install"}, what...)...)
	return out + more, err
}

// dnfClient is dnf with an install root. How dnf itself follows a change of keys
// is tested with the packages on real systems.
type dnfClient struct{ root string }

func newDNF(t *testing.T, published, url string) *dnfClient {
	t.Helper()
	d := &dnfClient{t.TempDir()}
	for name, text := range map[string]string{
		packages.RPMKeyring:            read(t, published, "avirkit.asc"),
		"home/.rpmmacros":              "%_dbpath /var/lib/rpm\n%_pkgverify_level all\n",
		"etc/yum.repos.d/avirkit.repo": fmt.Sprintf("[avirkit]\nname=avirkit\nbaseurl=%s/yum\nenabled=1\ngpgcheck=1\nrepo_gpgcheck=1\ngpgkey=file://%s\n", url, d.keys()),
	} {
		path := filepath.Join(d.root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return d
}

func (d *dnfClient) keys() string { return filepath.Join(d.root, packages.RPMKeyring) }

func (d *dnfClient) install(t *testing.T, what string) (string, error) {
	cmd := exec.CommandContext(t.Context(), "unshare",
		"--pid", "--fork", "--kill-child", "dnf", "-y", "--installroot", d.root, "--releasever", "9", "--forcearch", "x86_64", "--noplugins",
		"--setopt=reposdir="+filepath.Join(d.root, "etc/yum.repos.d"), "--setopt=metadata_expire=0", "--setopt=retries=1", "--setopt=skip_if_unavailable=0", "install", what)
	cmd.Env = append(os.Environ(), "HOME="+filepath.Join(d.root, "home"), "LC_ALL=C", "http_proxy=", "no_proxy=*")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestAptSeesItsChannelAndTheChangelogs(t *testing.T) {
	asroot.Need(t, "dpkg and rpm install only as root")
	r := newRotation(t)
	r.publish("1.0.0", []string{r.old}, []string{r.old})
	a := newApt(t, r.o.Out, r.o.URL)
	both := newApt(t, r.o.Out, r.o.URL)
	list := read(t, both.root, "etc/apt/sources.list")
	require.NoError(t, os.WriteFile(filepath.Join(both.root, "etc/apt/sources.list"), []byte(list+strings.Replace(list, "stable", "beta", 1)), 0o644))
	offered := func(a *aptClient) string {
		t.Helper()
		out, err := a.install(t)
		require.NoError(t, err, out)
		cmd := exec.Command("apt-cache", "policy", "kerio-connect-avir-clam")
		cmd.Env = append(os.Environ(), "APT_CONFIG="+filepath.Join(a.root, "apt.conf"), "LC_ALL=C")
		policy, err := cmd.Output()
		require.NoError(t, err)
		_, version, _ := strings.Cut(string(policy), "Candidate: ")
		version, _, _ = strings.Cut(version, "\n")
		return version
	}
	assert.Equal(t, "1.0.0", offered(both), "an empty channel is a good one")

	r.o.Channel = Beta
	r.publish("1.1.0-rc.1", []string{r.old}, []string{r.old})
	assert.Equal(t, "1.0.0", offered(a))
	assert.Equal(t, "1.1.0~rc.1", offered(both))

	r.o.Packages, r.o.Promote = "", version(t, "1.1.0-rc.1")
	require.NoError(t, Build(t.Context(), r.o))
	assert.Equal(t, "1.1.0~rc.1", offered(a))
	assert.Equal(t, "1.1.0~rc.1", offered(both))

	out, err := a.get(t, "changelog", "kerio-connect-avir-clam")
	require.NoError(t, err, out)
	assert.Contains(t, out, "kerio-connect-avir-clam (1.1.0~rc.1) stable; urgency=medium")
	assert.Contains(t, out, "* The ClamAV plugin and the sample plugin.")
}

// automatic runs dnf-automatic with the settings of docs/administrator.md.
func (d *dnfClient) automatic(t *testing.T) string {
	t.Helper()
	conf := filepath.Join(d.root, "automatic.conf")
	require.NoError(t, os.WriteFile(conf, []byte(strings.ReplaceAll(`[commands]
apply_updates = yes
random_sleep = 0
network_online_timeout = 0
[emitters]
emit_via = stdio
[base]
includepkgs = avirkit-*, kerio-*-avir-*
installroot = ROOT
reposdir = ROOT/etc/yum.repos.d
cachedir = ROOT/var/cache/dnf
persistdir = ROOT/var/lib/dnf
logdir = ROOT/var/log
metadata_expire = 0
plugins = 0
`, "ROOT", d.root)), 0o644))
	// This is what /usr/bin/dnf-automatic does, which Debian does not install;
	// and no package says here which release of Red Hat's this is.
	program := "import sys, dnf.rpm, dnf.automatic.main\ndnf.rpm.detect_releasever = lambda root: '9'\nsys.exit(dnf.automatic.main.main(sys.argv[1:]))"
	cmd := exec.CommandContext(t.Context(), "unshare", "--pid", "--fork", "--kill-child", "/usr/bin/python3", "-c", program, conf)
	cmd.Env = append(os.Environ(), "HOME="+filepath.Join(d.root, "home"), "LC_ALL=C", "http_proxy=", "no_proxy=*")
	out, _ := cmd.CombinedOutput()
	return string(out)
}

func (d *dnfClient) rpm(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("rpm", append([]string{"--root", d.root}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+filepath.Join(d.root, "home"))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return strings.TrimSpace(string(out))
}

func TestDnfAutomaticTakesItsChannelAndKeysThatRpmKnowsAtFullLength(t *testing.T) {
	asroot.Need(t, "dpkg and rpm install only as root")
	r := newRotation(t)
	r.publish("1.0.0", []string{r.old}, []string{r.old})
	d := newDNF(t, r.o.Out, r.o.URL)
	out, err := d.install(t, packages.KeyringName)
	require.NoError(t, err, out)

	r.publish("1.1.0", []string{r.old, r.next}, []string{r.old, r.next})
	r.o.Channel = Beta
	r.publish("1.2.0-rc.1", []string{r.old, r.next}, []string{r.old, r.next})
	out = d.automatic(t)
	assert.Equal(t, packages.KeyringName+"-1.1.0-1.noarch", d.rpm(t, "-q", packages.KeyringName), "not the beta: %s", out)

	r.o.Channel = Stable
	r.publish("1.3.0", []string{r.next}, []string{r.old, r.next})
	out = d.automatic(t)
	assert.Contains(t, out, "GPG check FAILED", "it never imports a key by itself")
	d.rpm(t, "--import", filepath.Join(d.root, packages.RPMKeyring))
	out = d.automatic(t)
	assert.Equal(t, packages.KeyringName+"-1.3.0-1.noarch", d.rpm(t, "-q", packages.KeyringName), out)
}
