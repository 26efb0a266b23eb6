package clamd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/fakeclamd"
	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

// harmless is a clean file that a wrong OK would be believed for.
var harmless = []byte("nothing bad in here")

// answer makes the fake answer with a text.
func answer(text string) fakeclamd.Fault { return fakeclamd.Fault{Name: "reply", Text: text} }

func slowReply(t *testing.T) {
	r := newRig(t, overTCP)
	before := r.fake.Scans()
	r.spoilt(fakeclamd.Fault{Name: "slow-reply"}, testvirus.EICAR(), api.VirusFound)
	r.spoilt(fakeclamd.Fault{Name: "slow-reply"}, harmless, api.OK)
	assert.Equal(t, before+2, r.fake.Scans(), "nothing was sent twice")
}

func idleTimeout(t *testing.T) {
	r := newRig(t, overTCP)
	for range 3 {
		r.spoilt(fakeclamd.Fault{Name: "idle-timeout", Times: 1}, testvirus.EICAR(), api.VirusFound)
		r.isVirus()
	}
	assert.NotContains(t, r.log.String(), "marked down", "it is no fault of the server")
}

func foreignID(t *testing.T) {
	for _, name := range []string{"wrong-id", "stale-id"} {
		r := newRig(t, overTCP)
		r.repeated(name, testvirus.EICAR())
		r.spoilt(fakeclamd.Fault{Name: name}, harmless, api.Failed)
	}
}

func twoReplies(t *testing.T) {
	for _, via := range []func(*fakeclamd.Server) string{overTCP, overUnix} {
		r := newRig(t, via)
		r.spoilt(fakeclamd.Fault{Name: "two-replies", Times: 1}, harmless, api.Failed)
		r.isVirus()
		r.spoilt(fakeclamd.Fault{Name: "ok-then-found"}, harmless, api.Failed)
		r.spoilt(fakeclamd.Fault{Name: "ok-then-found", Times: 1}, harmless, api.OK)
		// This is how a clamd ends that is told to.
		for _, text := range []string{"Error processing command.", "PROTOCOL ERROR: ancillary data sent without FILDES."} {
			aborted := answer(text + " ERROR")
			aborted.Times = 1
			r.spoilt(aborted, testvirus.EICAR(), api.VirusFound)
		}
	}
}

func pongFirst(t *testing.T) {
	r := newRig(t, overTCP)
	for _, name := range []string{"await-ping", "pong"} {
		for want, content := range map[api.Verdict][]byte{api.VirusFound: testvirus.EICAR(), api.OK: harmless} {
			r.connect()
			before := r.fake.Scans()
			r.spoilt(fakeclamd.Fault{Name: name, Times: 1}, content, want)
			assert.Equal(t, before+1, r.fake.Scans(), "nothing was sent twice")
		}
	}
}

func oddNames(t *testing.T) {
	r := newRig(t, overTCP)
	for _, name := range []string{"Evil: thing with spaces.UNOFFICIAL", "a:b:c", " x "} {
		result := r.spoilt(answer("stream: "+name+" FOUND"), harmless, api.VirusFound)
		assert.Equal(t, name, result.Text)
	}
}

func misleadingNames(t *testing.T) {
	r := newRig(t, overTCP)
	for _, name := range []string{"OK", "FOUND", "a FOUND", "x: OK", "stream: OK", "1: stream: OK"} {
		result := r.spoilt(answer("stream: "+name+" FOUND"), harmless, api.VirusFound)
		assert.Equal(t, name, result.Text)
		r.spoilt(answer("stream: "+name+" ERROR"), harmless, api.Failed)
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, testvirus.EICAR(), 0o644))
		assert.Equal(t, api.VirusFound, timedScan(t, r.c, path, enough).Verdict)
	}
	for _, text := range []string{"stream: OK ", "stream:OK", "OK", "stream: ok", "other: OK", "fd[x]: OK", "stream: stream: OK"} {
		r.spoilt(answer(text), harmless, api.Failed)
	}
}

func longName(t *testing.T) {
	r := newRig(t, overTCP)
	name := strings.Repeat("Long.", 200)
	result := r.spoilt(answer("stream: "+name+" FOUND"), harmless, api.VirusFound)
	assert.Equal(t, name, result.Text, "the SDK cuts it to what the host takes")
}

func endless(t *testing.T) {
	r := newRig(t, overTCP)
	result := r.spoilt(fakeclamd.Fault{Name: "endless", Times: 1}, harmless, api.Failed)
	assert.Contains(t, result.Text, "something else")
	r.isVirus()
}

func noSession(t *testing.T) {
	r := newRig(t, overTCP)
	r.fake.Set(fakeclamd.Fault{Name: "no-session"})
	r.fake.Hangup()
	result := r.scan(harmless, enough)
	assert.Equal(t, api.Failed, result.Verdict)
	assert.Contains(t, result.Text, "UNKNOWN COMMAND")
	r.fake.Set(fakeclamd.Fault{})
	r.isVirus()
	for _, text := range []string{"UNKNOWN COMMAND", "COMMAND UNAVAILABLE", "Command invalid inside IDSESSION. ERROR"} {
		r.spoilt(answer(text), harmless, api.Failed)
	}
}

func neitherVerdict(t *testing.T) {
	r := newRig(t, overTCP)
	for _, text := range []string{"", "stream: ", "stream: Excluded", "stream: Empty file", "Excluded"} {
		r.spoilt(answer(text), harmless, api.Failed)
	}
	r.isVirus()
}

func noMemory(t *testing.T) {
	r := newRig(t, overTCP)
	result := r.spoilt(answer("stream: Can't allocate memory ERROR"), harmless, api.Failed)
	assert.Contains(t, result.Text, "Can't allocate memory")
}

func cannotCheck(t *testing.T) {
	r := newRig(t, overTCP)
	for _, name := range []string{
		"Heuristics.Encrypted.Zip", "Heuristics.Encrypted.PDF", "Encrypted.Zip",
		"Heuristics.Broken.Executable", "Broken.Executable", "(null)",
		"Heuristics.Limits.Exceeded", "Heuristics.Limits.Exceeded.MaxFileSize",
	} {
		r.spoilt(answer("stream: "+name+" FOUND"), harmless, api.Impossible)
	}
	for _, name := range []string{"Heuristics.Zip.OverlappingFiles", "Encrypted.Evil.UNOFFICIAL", "Broken.Evil.UNOFFICIAL"} {
		r.spoilt(answer("stream: "+name+" FOUND"), harmless, api.VirusFound)
	}

	r.c.OnEncrypted = api.VirusFound
	result := r.spoilt(answer("stream: Heuristics.Encrypted.Zip FOUND"), harmless, api.VirusFound)
	assert.Equal(t, "Heuristics.Encrypted.Zip", result.Text)
	r.c.OnEncrypted = api.Failed
	r.spoilt(answer("stream: Encrypted.Zip FOUND"), harmless, api.Failed)
	r.spoilt(answer("stream: Heuristics.Limits.Exceeded FOUND"), harmless, api.Impossible)
}
