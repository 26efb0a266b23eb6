package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/harness/host"
)

// sanitized builds avserver so that any access outside of a buffer ends it.
func sanitized(t *testing.T, p *host.Platform) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "avserver")
	args := append(sources(t, "avserver/*.c"), "-fsanitize=address", "-g", "-ldl")
	need(t, "gcc can't link the address sanitizer", compile(t, p, path, args...))
	return path
}

// talk sends one line to a host and returns the lines that it answers with.
func talk(t *testing.T, avserver, line string) []string {
	t.Helper()
	fromTest, requests, err := os.Pipe()
	require.NoError(t, err)
	replies, toTest, err := os.Pipe()
	require.NoError(t, err)
	var errors strings.Builder
	cmd := exec.Command(avserver, "--serve")
	cmd.ExtraFiles = []*os.File{fromTest, toTest}
	cmd.Stderr = &errors
	require.NoError(t, cmd.Start())
	fromTest.Close()
	toTest.Close()
	defer replies.Close()
	require.NoError(t, replies.SetReadDeadline(time.Now().Add(time.Minute)))
	_, err = requests.WriteString(line + "\n")
	require.NoError(t, err)
	requests.Close() // the host ends when it has answered
	var lines []string
	for scanner := bufio.NewScanner(replies); scanner.Scan(); {
		lines = append(lines, scanner.Text())
	}
	require.NoError(t, cmd.Wait(), errors.String())
	return lines
}

func TestAvserverAnswersUnderTheBeginningOfALongID(t *testing.T) {
	avserver := sanitized(t, host.Platforms[0])
	for name, c := range map[string]struct{ id, answeredAs string }{
		"a number":         {"17", "17"},
		"as long as fits":  {strings.Repeat("7", 32), strings.Repeat("7", 32)},
		"a byte longer":    {strings.Repeat("7", 33), strings.Repeat("7", 32)},
		"70 bytes":         {strings.Repeat("7", 70), strings.Repeat("7", 32)},
		"5000 bytes":       {strings.Repeat("7", 5000), strings.Repeat("7", 32)},
		"an encoded break": {"a%0Ab", "a%0Ab"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, []string{c.answeredAs + " error unknown%20request%20'x'"}, talk(t, avserver, c.id+" x"))
		})
	}
}

func TestAvserverSplitsAnAnswerThatIsLongerThanALine(t *testing.T) {
	avserver := sanitized(t, host.Platforms[1])
	id := strings.Repeat("7", 32)
	for _, line := range talk(t, avserver, id+" state") {
		assert.True(t, strings.HasPrefix(line, id+" more ") || strings.HasPrefix(line, id+" ok "), line)
		assert.Less(t, len(line), 4096)
	}
	wrong := strings.Repeat("%FF", 2000)
	lines := talk(t, avserver, id+" "+wrong)
	require.Len(t, lines, 1)
	assert.Equal(t, id+" error unknown%20request%20'"+strings.Repeat("%FF", 1005), lines[0][:len(id)+len(" error unknown%20request%20'")+3*1005])
}
