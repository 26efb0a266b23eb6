package wire

import (
	"context"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/baruwa-enterprise/clamd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/plugins/clam/clamdtest"
	"github.com/avirkit/avirkit/plugins/clam/fakeclamd"
)

func TestRepliesAreReadExactly(t *testing.T) {
	for _, c := range []struct {
		line string
		want Reply
	}{
		{"1: stream: OK", Reply{Clean, "", 1}},
		{"7: fd[12]: OK", Reply{Clean, "", 7}},
		{"2: PONG", Reply{pong, "", 2}},
		{"3: stream: Win.Test FOUND", Reply{Found, "Win.Test", 3}},
		{"3: stream: a: b ERROR FOUND", Reply{Found, "a: b ERROR", 3}},
		{"3: fd[4]: fd[4]: OK FOUND", Reply{Found, "fd[4]: OK", 3}},
		{"3: stream:  FOUND", Reply{Found, "", 3}},
		{"3: stream: Heuristics.Encrypted.Zip FOUND", Reply{Found, "Heuristics.Encrypted.Zip", 3}},
		{"3: stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND", Reply{Found, "Heuristics.Limits.Exceeded.MaxFileSize", 3}},
		{"3: stream: (null) FOUND", Reply{Found, "(null)", 3}},
		{"3: INSTREAM size limit exceeded. ERROR", Reply{OverLimit, "INSTREAM size limit exceeded.", 3}},
		{"3: stream: x FOUND ERROR", Reply{Refused, "x FOUND", 3}},
		{"3: x FOUND", Reply{Refused, "x FOUND", 3}},
		{"3: OK", Reply{Refused, "OK", 3}},
		{"3: stream: OK ", Reply{Refused, "OK ", 3}},
		{"stream: OK", Reply{Refused, "stream: OK", 0}},
		{"UNKNOWN COMMAND", Reply{Refused, "UNKNOWN COMMAND", 0}},
		{"99999999999: stream: OK", Reply{Refused, "99999999999: stream: OK", 0}},
		{"-1: stream: OK", Reply{Refused, "-1: stream: OK", 0}},
		{"", Reply{Refused, "", 0}},
	} {
		assert.Equal(t, c.want, parseReply([]byte(c.line)), "%q", c.line)
	}
}

func TestAReplyIsTakenOnlyWhenItsEndIsThere(t *testing.T) {
	whole := "1: stream: OK\x002: PO"
	for n := range len(whole) {
		_, taken := nextReply([]byte(whole[:n]))
		if n < len("1: stream: OK\x00") {
			assert.Zero(t, taken, "%q", whole[:n])
		} else {
			assert.Equal(t, len("1: stream: OK\x00"), taken)
		}
	}
	r, taken := nextReply([]byte("COMMAND READ TIMED OUT\n"))
	assert.Equal(t, timedOut, r.Kind)
	assert.Equal(t, len(timeoutText)+1, taken)
	for _, other := range []string{"COMMAND READ TIMED OUT\x00", "3: COMMAND READ TIMED OUT\x00"} {
		r, taken := nextReply([]byte(other))
		assert.Equal(t, timedOut, r.Kind, other)
		assert.Equal(t, len(other), taken)
	}
}

// onlyClean are all the replies that may be read as clean.
var onlyClean = regexp.MustCompile(`^[0-9]{1,9}: (stream|fd\[[0-9]+\]): OK$`)

func FuzzReply(f *testing.F) {
	for _, seed := range []string{
		"1: stream: OK\x00", "2: fd[11]: Eicar-Test-Signature FOUND\x00", "3: PONG\x00",
		"COMMAND READ TIMED OUT\n", "1: INSTREAM size limit exceeded. ERROR\x00", "1: stream: (null) FOUND\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, n := nextReply(data)
		if n < 0 || n > len(data) {
			t.Fatalf("took %d of %d bytes", n, len(data))
		}
		if n == 0 {
			if strings.Contains(string(data), "\x00") {
				t.Fatalf("%q has an end and was not taken", data)
			}
			return
		}
		line := string(data[:n-1])
		if isClean := r.Kind == Clean; isClean != onlyClean.MatchString(line) {
			t.Fatalf("%q: clean is %v", line, isClean)
		}
		if r.Kind == Found && !strings.HasSuffix(line, r.Text+" FOUND") {
			t.Fatalf("%q is no virus called %q", line, r.Text)
		}
	})
}

func TestWellFormedRepliesMeanTheSameToAnIndependentClient(t *testing.T) {
	fake := clamdtest.StartFake(t)
	client, err := clamd.NewClient("tcp", fake.Addr)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "sample")
	require.NoError(t, os.WriteFile(path, []byte("nothing bad"), 0o644))
	random := rand.New(rand.NewSource(1))
	const letters = "abcXYZ019.-_/()"
	for range 300 {
		name := make([]byte, 1+random.Intn(40))
		for i := range name {
			name[i] = letters[random.Intn(len(letters))]
		}
		text := []string{"stream: OK", fmt.Sprintf("stream: %s FOUND", name)}[random.Intn(2)]
		fake.Set(fakeclamd.Fault{Name: "reply", Text: text})
		theirs, err := client.InStream(context.Background(), path)
		require.NoError(t, err)
		require.Len(t, theirs, 1)
		ours := parseReply([]byte("1: " + text))
		switch theirs[0].Status {
		case "OK":
			assert.Equal(t, Clean, ours.Kind, text)
		case "FOUND":
			assert.Equal(t, Found, ours.Kind, text)
			assert.Equal(t, theirs[0].Signature, ours.Text)
		default:
			t.Errorf("%s: %s", text, theirs[0].Status)
		}
	}
}
