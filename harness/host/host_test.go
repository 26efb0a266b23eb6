package host

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWordsSurviveTheWire(t *testing.T) {
	every := make([]byte, 255)
	for i := range every {
		every[i] = byte(i + 1) // NUL can't be part of a name
	}
	for _, word := range []string{"", "plain", "a b", "%", "%%", "%41", "\n", string(every)} {
		encoded := encode(word)
		assert.NotContains(t, encoded, " ")
		assert.NotContains(t, encoded, "\n")
		assert.NotEmpty(t, encoded)
		assert.Equal(t, word, decode(encoded))
	}
}

func TestDecodeTakesBrokenWords(t *testing.T) {
	for word, want := range map[string]string{"%": "", "%4": "", "a%": "a", "%zzb": "b"} {
		assert.Equal(t, want, decode(word), word)
	}
}

func TestFaultNamesHowAnAnswerBreaksTheInterface(t *testing.T) {
	for name, c := range map[string]struct {
		answer Answer
		says   string
	}{
		"a good answer":       {Answer{Verdict: VirusFound, Text: "Eicar"}, ""},
		"an unknown result":   {Answer{Verdict: 7}, "returned 7"},
		"a negative result":   {Answer{Verdict: -5}, "returned -5"},
		"cured":               {Answer{Verdict: VirusCured}, "VIRUS_CURED"},
		"no context":          {Answer{Verdict: NoContext}, "plugin_thread_init"},
		"outside of vir_info": {Answer{Verdict: OK, Overrun: 3}, "3 bytes outside"},
		"no NUL":              {Answer{Verdict: OK, Unterminated: true}, "no ending NUL"},
		"UTF-8":               {Answer{Verdict: OK, Text: "\u010d"}, "0xC4"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.says == "" {
				assert.Empty(t, c.answer.Fault())
			} else {
				assert.Contains(t, c.answer.Fault(), c.says)
			}
		})
	}
}

// fake writes a script in the place of avserver: what a broken host does can't
// be had from the real one on demand.
func fake(t *testing.T, script string) *Host {
	t.Helper()
	path := filepath.Join(t.TempDir(), "avserver")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700))
	h, err := Start(context.Background(), path, nil, nil)
	require.NoError(t, err)
	t.Cleanup(h.Close)
	return h
}

func TestAHostThatDiesIsNotWaitedFor(t *testing.T) {
	h := fake(t, "read line <&3; echo last words >&2; exit 7")
	_, err := h.Call(time.Minute, "the test", "load")
	var died *Died
	require.ErrorAs(t, err, &died)
	assert.EqualError(t, err, "the host ended with exit status 7 during the test: last words")
	_, err = h.Call(time.Minute, "the next", "load")
	assert.ErrorAs(t, err, &died, "later requests fail at once")
}

func TestAHostThatIsKilledIsNamedBySignal(t *testing.T) {
	h := fake(t, "read line <&3; kill -SEGV $$")
	_, err := h.Call(time.Minute, "the test", "load")
	assert.ErrorContains(t, err, "was killed by SIGSEGV during the test")
}

func TestAHostThatHangsIsKilled(t *testing.T) {
	h := fake(t, "sleep 600 & wait")
	_, err := h.Call(100*time.Millisecond, "the test", "load")
	var hung *Hung
	require.ErrorAs(t, err, &hung)
	assert.False(t, h.HasOrphans(), "its children are killed too")
}

func TestAHostThatClosesItsPipeAndStaysHasHung(t *testing.T) {
	h := fake(t, "read line <&3; exec 4>&- 3<&-; sleep 600")
	_, err := h.Call(100*time.Millisecond, "the test", "load")
	var hung *Hung
	assert.ErrorAs(t, err, &hung, "and was not killed by somebody else: %v", err)
}

func TestAFloodOfDangersIsCapped(t *testing.T) {
	h := fake(t, `read line <&3; yes "danger why format" | head -n 20000 >&4; printf '1 ok a 1\n' >&4; read end <&3`)
	_, err := h.Call(time.Minute, "the test", "load")
	require.NoError(t, err)
	assert.Len(t, h.Dangers(), mostLines)
}

func TestAChildThatKeepsThePipeOpenDoesNotHideTheDeath(t *testing.T) {
	h := fake(t, "sleep 600 & exit 3")
	_, err := h.Call(time.Minute, "the test", "load")
	assert.ErrorContains(t, err, "exit status 3")
	assert.True(t, h.HasOrphans())
}

func TestFactsOfSeveralLinesBelongTogether(t *testing.T) {
	h := fake(t, `read line <&3; printf 'log error plugin%%20text\n1 more a 1\n2 ok x y\n1 ok b %%20\n' >&4; read end <&3`)
	facts, err := h.Call(time.Minute, "the test", "state")
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b"}, facts.Keys)
	assert.Equal(t, 1, facts.Int("a"))
	assert.Equal(t, " ", facts.Get("b"))
	assert.Equal(t, []Line{{"error", "plugin text"}}, h.Logs())
}

func TestCancellationKillsTheHost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "avserver")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\nsleep 600 & wait\n"), 0o700))
	ctx, cancel := context.WithCancel(context.Background())
	h, err := Start(ctx, path, nil, nil)
	require.NoError(t, err)
	defer h.Close()
	cancel()
	assert.True(t, h.wait(time.Minute))
	_, err = Start(ctx, path, nil, nil)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestEnvironmentOfARuntimeIsNotHandedOn(t *testing.T) {
	t.Setenv("GOGC", "1")
	t.Setenv("GODEBUG", "x")
	t.Setenv("LD_PRELOAD", "/lib64/libfoo.so")
	t.Setenv("AVIR_TEST", "kept")
	assert.Contains(t, Environment(), "AVIR_TEST=kept")
	assert.NotContains(t, Environment(), "GOGC=1")
	assert.NotContains(t, Environment(), "GODEBUG=x")
	assert.NotContains(t, Environment(), "LD_PRELOAD=/lib64/libfoo.so")
}
