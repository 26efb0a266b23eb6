package signing

import (
	"bytes"
	"crypto"
	"fmt"
	"path/filepath"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/avirkit/avirkit/internal/atomicdir"
)

// Throwaway makes a key for tests in a new file, and reads it as a user's key
// is read.
func Throwaway(path string, bits int, at time.Time) (*Keys, error) {
	e, err := openpgp.NewEntity("avirkit test "+filepath.Base(path), "", "test@example.org", &packet.Config{
		RSABits: bits, DefaultHash: crypto.SHA256, Time: func() time.Time { return at },
	})
	if err != nil {
		return nil, fmt.Errorf("make a test key: %w", err)
	}
	var secret bytes.Buffer
	if err := e.SerializePrivate(&secret, nil); err != nil {
		return nil, fmt.Errorf("write a test key: %w", err)
	}
	if err := atomicdir.WriteFile(path, secret.Bytes(), 0o600); err != nil {
		return nil, err
	}
	return FromFile(path, "", at)
}
