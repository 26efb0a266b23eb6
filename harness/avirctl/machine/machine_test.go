package machine

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tree makes a machine of files.
func tree(t *testing.T, files map[string]string) *Machine {
	t.Helper()
	m := New(t.TempDir())
	for path, text := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(m.Path(path)), 0o755))
		require.NoError(t, os.WriteFile(m.Path(path), []byte(text), 0o644))
	}
	return m
}

var accounts = map[string]string{
	"/etc/passwd": "root:x:0:0::/root:/bin/sh\nmail:x:8:8::/:/bin/sh\nbroken\n",
	"/etc/group":  "root:x:0:\nmail:x:8:\nclamav:x:105:other,mail\n",
}

func TestUsersAreFoundByNameAndNumber(t *testing.T) {
	m := tree(t, accounts)
	for _, name := range []string{"mail", "8"} {
		u, err := m.User(name)
		require.NoError(t, err)
		assert.Equal(t, User{"mail", 8, 8, []int{8, 105}}, u)
	}
	u, err := m.User("4711")
	require.NoError(t, err)
	assert.Equal(t, "user 4711", u.String())
	_, err = m.User("nobody-at-all")
	assert.ErrorContains(t, err, "/etc/passwd")
	assert.Equal(t, "clamav", m.GroupName(105))
	assert.Equal(t, "4711", m.GroupName(4711))
}

func TestAWriterIsWhoeverButRootAndTheUserMayReplaceAFile(t *testing.T) {
	m := tree(t, accounts)
	require.NoError(t, os.MkdirAll(m.Path("/opt/avirs"), 0o755))
	require.NoError(t, os.WriteFile(m.Path("/opt/avirs/a.so"), nil, 0o644))
	me := User{UID: os.Getuid(), GID: os.Getgid()}
	group := "group " + m.GroupName(me.GID)
	for _, c := range []struct {
		path       string
		mode       os.FileMode
		user       User
		where, who string
	}{
		{"/opt", 0o755, me, "", ""},
		{"/opt", 0o757, me, "/opt", "everybody"},
		{"/opt", os.ModeSticky | 0o777, me, "", ""},
		{"/opt/avirs", 0o777, me, "/opt/avirs", "everybody"},
		{"/opt/avirs/a.so", 0o646, me, "/opt/avirs/a.so", "everybody"},
		{"/opt/avirs", 0o775, me, "", ""},
		{"/opt/avirs", 0o775, User{UID: me.UID, GID: 8}, "/opt/avirs", group},
	} {
		if c.who == group && me.GID == 0 {
			c.where, c.who = "", "" // root's own group
		}
		before, err := m.Stat(c.path)
		require.NoError(t, err)
		require.NoError(t, os.Chmod(m.Path(c.path), c.mode))
		where, who := m.Writer(c.user, "/opt/avirs/a.so")
		assert.Equal(t, [2]string{c.where, c.who}, [2]string{where, who}, "%s %v", c.path, c.mode)
		require.NoError(t, os.Chmod(m.Path(c.path), before.Mode().Perm()))
	}
	if os.Getuid() == 0 {
		require.NoError(t, os.Chown(m.Path("/opt/avirs"), 8, 105))
		where, who := m.Writer(me, "/opt/avirs/a.so")
		assert.Equal(t, [2]string{"/opt/avirs", "mail"}, [2]string{where, who})
		_, who = m.Writer(User{UID: 8, GID: 8}, "/opt/avirs/a.so")
		assert.Empty(t, who, "the product's own user")
		require.NoError(t, os.Chmod(m.Path("/opt/avirs"), 0o775))
		_, who = m.Writer(User{UID: 8, GID: 8}, "/opt/avirs/a.so")
		assert.Equal(t, "group clamav", who)
	}
}

func TestAnObstacleIsTheFirstFileThatKeepsAUserOut(t *testing.T) {
	m := tree(t, map[string]string{"/run/clamav/clamd.ctl": "", "/other": ""})
	me := os.Getuid()
	owner := User{UID: me, GID: os.Getgid(), Groups: []int{os.Getgid()}}
	member := User{UID: 4711, GID: 4711, Groups: []int{4711, os.Getgid()}}
	stranger := User{UID: 4711, GID: 4711, Groups: []int{4711}}
	for _, c := range []struct {
		dir, file os.FileMode
		user      User
		want      string
	}{
		{0o755, 0o666, stranger, ""},
		{0o755, 0o660, stranger, "/run/clamav/clamd.ctl"},
		{0o755, 0o664, stranger, "/run/clamav/clamd.ctl"},
		{0o755, 0o660, member, ""},
		{0o755, 0o606, member, "/run/clamav/clamd.ctl"},
		{0o755, 0o600, owner, ""},
		{0o750, 0o666, stranger, "/run/clamav"},
		{0o750, 0o666, member, ""},
		{0o744, 0o666, stranger, "/run/clamav"},
	} {
		require.NoError(t, os.Chmod(m.Path("/run/clamav"), c.dir))
		require.NoError(t, os.Chmod(m.Path("/run/clamav/clamd.ctl"), c.file))
		got, _, err := m.Obstacle(c.user, Write, "/run/clamav/clamd.ctl")
		require.NoError(t, err)
		assert.Equal(t, c.want, got, "%o %o %+v", c.dir, c.file, c.user)
	}
	require.NoError(t, os.Chmod(m.Path("/run/clamav"), 0o755))
	_, _, err := m.Obstacle(stranger, Write, "/run/clamav/none")
	assert.ErrorIs(t, err, os.ErrNotExist)
	root := User{UID: 0}
	got, _, err := m.Obstacle(root, Write, "/run/clamav/clamd.ctl")
	require.NoError(t, err)
	assert.Empty(t, got, "nothing keeps root out")
}

const status = `Name:	avserver
State:	S (sleeping)
Uid:	0	8	8	8
Gid:	0	8	8	8
Groups:	8 105
VmRSS:	    2048 kB
`

func TestAProcessIsWhoItActsAs(t *testing.T) {
	m := tree(t, map[string]string{"/proc/7/status": status, "/proc/8/status": strings.Replace(status, "avserver", "other", 1), "/etc/passwd": accounts["/etc/passwd"]})
	require.NoError(t, os.Symlink("/opt/avserver (deleted)", m.Path("/proc/8/exe")))
	found := m.Processes("avserver")
	require.Len(t, found, 2, "by its name, and by its file, which is gone")
	p := found[0]
	assert.Equal(t, 7, p.PID)
	assert.Equal(t, User{"mail", 8, 8, []int{8, 8, 105}}, p.User)
	assert.Equal(t, uint64(2<<20), p.RSS)
	assert.Empty(t, m.Processes("clamd"))
}

func TestAZombieDoesNotRun(t *testing.T) {
	m := tree(t, map[string]string{
		"/proc/7/status": "Name:\tclamd\nState:\tS (sleeping)\n",
		"/proc/8/status": "Name:\tclamd\nState:\tZ (zombie)\n",
	})
	found := m.Processes("clamd")
	require.Len(t, found, 1)
	assert.Equal(t, 7, found[0].PID)
}

func TestWhenAndHowAProcessWasStarted(t *testing.T) {
	m := tree(t, map[string]string{
		"/proc/7/status":  "Name:\tclamd\n",
		"/proc/7/cmdline": "/usr/sbin/clamd\x00--foreground=true\x00",
		"/proc/7/stat":    "7 (cla) md) S 1 7 7 0 -1 4194560 1 1 1 1 1 1 1 1 20 0 2 0 12345 1 1",
		"/proc/stat":      "cpu 1 2\nbtime 1000000\n",
		"/proc/9/status":  "Name:\tclamd\n",
	})
	found := m.Processes("clamd")
	require.Len(t, found, 2)
	assert.Equal(t, int64(1000123), found[0].Started().Unix())
	assert.Equal(t, []string{"/usr/sbin/clamd", "--foreground=true"}, found[0].Arguments())
	assert.True(t, found[1].Started().IsZero(), "nothing tells")

	me := New("").Processes(filepath.Base(os.Args[0]))
	require.NotEmpty(t, me)
	assert.WithinDuration(t, time.Now(), me[0].Started(), 10*time.Minute)
}

func TestLibrariesOfAProcess(t *testing.T) {
	m := tree(t, map[string]string{"/proc/7/status": status, "/proc/7/maps": `08048000-08056000 r-xp 00000000 03:0c 64593 /usr/sbin/gpm
f7000000-f7100000 r-xp 00000000 08:01 100  /opt/a folder/avir_clam.so (deleted)
f7100000-f7200000 rw-p 00100000 08:01 100  /opt/a folder/avir_clam.so (deleted)
f7200000-f7300000 r-xp 00000000 08:01 101  /lib/libc.so
bffff000-c0000000 rw-p 00000000 00:00 0    [stack]
`})
	libraries, err := m.Processes("avserver")[0].Libraries(".so")
	require.NoError(t, err)
	assert.Equal(t, []Mapped{{"/opt/a folder/avir_clam.so", 100, true}, {"/lib/libc.so", 101, false}}, libraries)
}

func TestLimitsOfAProcess(t *testing.T) {
	m := tree(t, map[string]string{"/proc/7/status": status, "/proc/7/limits": `Limit                     Soft Limit           Hard Limit           Units
Max data size             unlimited            unlimited            bytes
Max open files            1024                 4096                 files
`})
	p := m.Processes("avserver")[0]
	files, err := p.Limit("Max open files")
	require.NoError(t, err)
	assert.Equal(t, uint64(1024), files)
	data, err := p.Limit("Max data size")
	require.NoError(t, err)
	assert.Equal(t, Unlimited, data)
	_, err = p.Limit("Max nonsense")
	assert.Error(t, err)
}

func TestThisProcessIsFoundOnTheSystemItself(t *testing.T) {
	m := New("/")
	self, err := os.Executable()
	require.NoError(t, err)
	for _, p := range m.Processes(filepath.Base(self)) {
		if p.PID == os.Getpid() {
			assert.Equal(t, os.Geteuid(), p.User.UID)
			return
		}
	}
	t.Error("process " + strconv.Itoa(os.Getpid()) + " was not found")
}

func TestAvailableMemory(t *testing.T) {
	for text, want := range map[string]uint64{
		"MemTotal: 9 kB\nMemFree: 2 kB\nMemAvailable: 5 kB\n":                   5 << 10,
		"MemTotal: 9 kB\nMemFree: 2 kB\nBuffers: 1 kB\nCached: 3 kB\n\nSwap:\n": 6 << 10, // before Linux 3.14
	} {
		got, err := tree(t, map[string]string{"/proc/meminfo": text}).AvailableMemory()
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
}

func TestOnlyRegularFilesAreRead(t *testing.T) {
	m := tree(t, map[string]string{"/file": "text"})
	require.NoError(t, syscall.Mkfifo(m.Path("/fifo"), 0o600))
	_, err := m.ReadFile("/fifo")
	assert.ErrorContains(t, err, "not a regular file", "a FIFO without a writer would make us wait for ever")
	text, err := m.ReadFile("/file")
	require.NoError(t, err)
	assert.Equal(t, "text", string(text))
	assert.Equal(t, []string{"/file"}, m.Glob("/fil*"))
}
