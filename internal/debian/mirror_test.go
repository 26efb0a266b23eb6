package debian

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheMirrorIsTheOneOfDebianItself(t *testing.T) {
	lines := "nodistro main https://example.org/node\n" +
		"bookworm-security main http://example.org/debian-security\n" +
		"bookworm contrib http://example.org/contrib\n" +
		"bookworm main http://example.org/debian/\n" +
		"trixie main http://example.org/later\n"
	assert.Equal(t, "http://example.org/debian", debianURL(lines))
	assert.Empty(t, debianURL("stable main\n\n"))
}

func TestTheMirrorCanBeNamed(t *testing.T) {
	t.Setenv(MirrorVariable, "http://example.org/mine/")
	url, err := Mirror(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "http://example.org/mine", url)
}
