package hostdeps

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheMirrorIsTheOneOfDebianItself(t *testing.T) {
	lines := "Chrome main stable http://example.org/chrome\n" +
		"Debian-Security main bookworm-security http://example.org/debian-security\n" +
		"Debian main bookworm-updates http://example.org/updates\n" +
		"Debian contrib bookworm http://example.org/contrib\n" +
		"Debian main bookworm http://example.org/debian/\n" +
		"Debian main trixie http://example.org/later\n"
	assert.Equal(t, "http://example.org/debian", debianURL(lines))
	assert.Empty(t, debianURL("Debian main\n\n"))
}

func TestTheMirrorCanBeNamed(t *testing.T) {
	t.Setenv(MirrorVariable, "http://example.org/mine/")
	url, err := Mirror(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "http://example.org/mine", url)
}
