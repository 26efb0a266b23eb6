package targets

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/packages/signing"
	"github.com/avirkit/avirkit/internal/run"
)

func TestTheDoctorLooksAtTheSigningKey(t *testing.T) {
	for _, name := range []string{signing.KeyIDVariable, signing.PassphraseFileVariable, signing.KeyringVariable} {
		t.Setenv(name, "")
	}
	good := filepath.Join(t.TempDir(), "key")
	_, err := signing.Throwaway(good, 2048, time.Now().Add(-time.Hour))
	require.NoError(t, err)
	for path, want := range map[string]string{
		"":    `absent +signing key .*unsigned, because neither AVIR_SIGNING_KEY`,
		good:  `ok +signing key .*signed by [0-9A-F]{40}\n`,
		"/no": `BAD +signing key .*read the signing key: open /no`,
	} {
		t.Setenv(signing.KeyFileVariable, path)
		var said bytes.Buffer
		before := run.Out
		run.Out = &said
		err := Doctor(t.Context())
		run.Out = before
		assert.Regexp(t, want, said.String())
		if path == "/no" {
			assert.ErrorContains(t, err, "the signing key can't be used")
		}
	}
}
