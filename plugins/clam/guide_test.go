package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
)

func TestTheAdministratorsGuideListsTheOptionsWithTheirDefaults(t *testing.T) {
	guide, err := os.ReadFile("../../docs/administrator.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(guide), "| option | default | meaning |\n")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n\n")
	var listed []api.Option
	for _, m := range regexp.MustCompile("(?m)^\\| ([A-Za-z]+) \\| (?:`([^`]*)`|empty) \\|").FindAllStringSubmatch(table, -1) {
		listed = append(listed, api.Option{Name: m[1], Default: m[2]})
	}
	assert.Equal(t, options, listed)
}

func TestTheMessagesInTheAdministratorsGuideAreThoseOfTheCode(t *testing.T) {
	var code strings.Builder
	for _, dir := range []string{"clamd", "wire"} {
		files, err := filepath.Glob(dir + "/*.go")
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			if !strings.HasSuffix(file, "_test.go") {
				code.Write(text)
			}
		}
	}
	guide, err := os.ReadFile("../../docs/administrator.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(guide), "| message | what to do |\n")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n\n")
	messages := 0
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*?) \\|").FindAllStringSubmatch(table, -1) {
		for _, message := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			messages++
			for _, part := range regexp.MustCompile(` ?(?:…|\b\d+(?:m0)?s\b) ?|: `).Split(message[1], -1) {
				if part != "connection refused" { // the kernel's word
					assert.Contains(t, code.String(), part, message[1])
				}
			}
		}
	}
	assert.Greater(t, messages, 10)
}
