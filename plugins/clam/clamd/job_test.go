package clamd

import (
	"context"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/clamdtest"
	"github.com/avirkit/avirkit/plugins/clam/fakeclamd"
	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

// The numbers here are the ones that the guide tells, and not the constants of
// the code, so that a slip in those is seen.

func TestAFileThatKillsClamdIsSentThreeTimes(t *testing.T) {
	for _, via := range []func(*fakeclamd.Server) string{overTCP, overUnix} {
		r := newRig(t, via)
		r.connect()
		r.fake.Set(fakeclamd.Fault{Name: "eof-plain"})
		result := r.scan(harmless, enough)
		assert.Equal(t, api.Failed, result.Verdict)
		assert.Contains(t, result.Text, "sent 3 times and cut off 0 times")
		assert.Equal(t, 3, r.fake.Plain())
		r.fake.Set(fakeclamd.Fault{})
		r.isVirus()
	}
}

func TestAFileThatKillsServersOfAFarmIsSentThreeTimesInAll(t *testing.T) {
	farm := []*fakeclamd.Server{clamdtest.StartFake(t), clamdtest.StartFake(t), clamdtest.StartFake(t), clamdtest.StartFake(t)}
	addresses := farm[0].Addr
	for _, f := range farm[1:] {
		addresses += "," + f.Addr
	}
	c := startQuick(t, addresses, &logLines{}, nil)
	sent := 0
	for _, f := range farm {
		f.Set(fakeclamd.Fault{Name: "eof-plain"})
	}
	result := timedScan(t, c, write(t, "sample", harmless), enough)
	assert.Equal(t, api.Failed, result.Verdict, result.Text)
	for _, f := range farm {
		sent += f.Plain()
	}
	assert.Equal(t, 3, sent, "the others stay up for other files")
}

func TestAnUploadIsBegunTenTimes(t *testing.T) {
	r := newRig(t, overTCP)
	r.connect()
	r.fake.Set(fakeclamd.Fault{Name: "cut-plain"})
	result := r.scan(large(), enough)
	assert.Equal(t, api.Failed, result.Verdict)
	assert.Contains(t, result.Text, "sent 0 times and cut off 10 times")
	assert.Equal(t, 10, r.fake.Plain())
	r.fake.Set(fakeclamd.Fault{})
	r.isVirus()
}

// A scan that ends while it connects has learned nothing about the server.
func TestAConnectThatItsScanEndsIsNotHeldAgainstTheServer(t *testing.T) {
	r := newRigWith(t, overTCP, func(c *Client) { c.times.dial = time.Hour })
	path := write(t, "sample", harmless)
	r.connect()
	s := r.c.servers[0]
	s.pool.dropIdle()
	r.fake.Close()
	fullListener(t, "tcp", r.fake.Addr)

	result := timedScan(t, r.c, path, brief)
	assert.Equal(t, api.Failed, result.Verdict)
	assert.Contains(t, result.Text, "while connecting")
	assert.NoError(t, s.problem(), "by its deadline")

	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan api.Result, 1)
	go func() {
		scanner := r.c.NewScanner()
		done <- scanner.Scan(ctx, api.File{Path: path})
	}()
	eventually(t, "the scan has chosen the server", func() bool { _, busy := s.load(); return busy == 1 })
	cancel()
	assert.Equal(t, api.Failed, await(t, done).Verdict)
	assert.NoError(t, s.problem(), "by its caller")
	is, _ := s.load()
	assert.Equal(t, ready, is)
}

// A connect that the bound of one connect ends tells something about it.
func TestAConnectThatTakesTooLongIsHeldAgainstTheServer(t *testing.T) {
	r := newRigWith(t, overTCP, func(c *Client) { c.times.dial = 100 * time.Millisecond })
	r.connect()
	s := r.c.servers[0]
	s.pool.dropIdle()
	r.fake.Close()
	fullListener(t, "tcp", r.fake.Addr)
	assert.Equal(t, api.Failed, r.scan(harmless, brief).Verdict)
	assert.ErrorContains(t, s.problem(), "no connection within 100ms")
}

func TestAServerThatIsOnlyBusyIsNotHeldDown(t *testing.T) {
	r := newRig(t, overUnix)
	r.connect()
	s := r.c.servers[0]
	s.pool.dropIdle()
	r.fake.Close()
	_ = os.Remove(r.fake.Socket)
	free := fullListener(t, "unix", r.fake.Socket)
	result := r.scan(testvirus.EICAR(), brief)
	assert.Equal(t, api.Failed, result.Verdict)
	assert.Contains(t, result.Text, syscall.EAGAIN.Error(), "the text says why")
	is, _ := s.load()
	assert.Equal(t, ready, is, "a full backlog is no fault")
	assert.NotContains(t, r.log.String(), "marked down")

	pending := background(r.c, write(t, "later", testvirus.EICAR()))
	free()
	_ = os.Remove(r.fake.Socket)
	again, err := fakeclamd.New("", r.fake.Socket)
	require.NoError(t, err)
	t.Cleanup(again.Close)
	assert.Equal(t, api.VirusFound, await(t, pending).Verdict)
}

// The descriptor of a user's file goes to another process, which could do with
// it what its flags allow.
func TestClamdCanOnlyReadAFileThatItIsGiven(t *testing.T) {
	fd, _, err := openFile(write(t, "sample", harmless))
	require.NoError(t, err)
	defer closeFile(fd)
	flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFL, 0)
	require.Zero(t, errno)
	assert.Equal(t, syscall.O_RDONLY, int(flags)&syscall.O_ACCMODE)
	_, err = syscall.Write(fd, []byte("x"))
	assert.ErrorIs(t, err, syscall.EBADF)
}

func TestAnOKOfAServerThatFailedItsTestMeanwhileIsNotBelieved(t *testing.T) {
	r := newRigWith(t, overTCP, patient)
	r.connect()
	r.fake.Set(fakeclamd.Fault{Name: "hold", Times: 1})
	pending := background(r.c, write(t, "sample", harmless))
	eventually(t, "clamd has the file", func() bool { return r.fake.Plain() == 1 })
	r.c.servers[0].report(time.Now(), errUnfit)
	r.fake.Set(fakeclamd.Fault{Name: "dead-engine"}) // which answers OK, and lets no test pass
	result := await(t, pending)
	assert.Equal(t, api.Failed, result.Verdict, result.Text)
	r.fake.Set(fakeclamd.Fault{})
	r.isVirus()
}

func TestIdleSessionsMakeRoomForANewOneThatIsNotAnswered(t *testing.T) {
	r := newRig(t, overTCP)
	r.connect()
	p := &r.c.servers[0].pool
	require.NotEmpty(t, p.idle)
	p.takesTime()
	assert.Empty(t, p.idle)
	eventually(t, "clamd has the places back", func() bool { return r.fake.Open() == 0 })
	p.gaveUp()
	r.connect()
	assert.NotEmpty(t, p.idle, "afterwards they are kept again")
}
