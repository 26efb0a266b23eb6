package main

import (
	"os"
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
