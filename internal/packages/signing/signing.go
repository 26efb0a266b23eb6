// Package signing signs packages and repositories with an OpenPGP key that
// every supported system can check, rpm 4.8 and apt 0.8 included.
package signing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
)

// Variables of the environment that name the key.
const (
	KeyFileVariable        = "AVIR_SIGNING_KEY"             // file with the secret key
	PassphraseFileVariable = "AVIR_SIGNING_PASSPHRASE_FILE" // file with its passphrase, if it has one
	KeyIDVariable          = "AVIR_SIGNING_KEYID"           // fingerprint of a key that gpg's agent holds
)

// Signer makes signatures with one key. The same data gives the same bytes.
type Signer interface {
	// Detach returns a binary signature of data.
	Detach(data []byte) ([]byte, error)

	// Clearsign returns text inside a signed message.
	Clearsign(text []byte) ([]byte, error)

	// Key returns the key's public half.
	Key() *openpgp.Entity
}

// FromEnvironment returns the signer that the environment asks for, or nil if
// it names no key. Signatures carry the time at, or the key's own if that is
// later: a signature must not be older than its key.
func FromEnvironment(ctx context.Context, at time.Time) (Signer, error) {
	file, id := os.Getenv(KeyFileVariable), os.Getenv(KeyIDVariable)
	switch {
	case file != "" && id != "":
		return nil, fmt.Errorf("%s and %s are both set: unset one", KeyFileVariable, KeyIDVariable)
	case file != "":
		return FromFile(file, os.Getenv(PassphraseFileVariable), at)
	case id != "":
		return FromAgent(ctx, id, os.Getenv(PassphraseFileVariable), at)
	}
	return nil, nil
}

// Describe says in a few words how things are signed, for the last line of a
// target's output.
func Describe(s Signer) string {
	if s == nil {
		return fmt.Sprintf("unsigned, because neither %s nor %s is set", KeyFileVariable, KeyIDVariable)
	}
	return "signed by " + Fingerprint(s)
}

// Fingerprint returns the fingerprint of s's key, 40 hexadecimal digits.
func Fingerprint(s Signer) string {
	return strings.ToUpper(fmt.Sprintf("%x", s.Key().PrimaryKey.Fingerprint))
}

// DetachArmored returns a signature of data as text.
func DetachArmored(s Signer, data []byte) ([]byte, error) {
	signature, err := s.Detach(data)
	if err != nil {
		return nil, err
	}
	return armored(openpgp.SignatureType, signature)
}

// PublicKey returns the public key in binary form and as text.
func PublicKey(s Signer) (binary, text []byte, err error) {
	var b bytes.Buffer
	if err := s.Key().Serialize(&b); err != nil {
		return nil, nil, fmt.Errorf("write the public key: %w", err)
	}
	text, err = armored(openpgp.PublicKeyType, b.Bytes())
	return b.Bytes(), text, err
}

func armored(kind string, data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := armor.Encode(&b, kind, nil)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("armor a %s: %w", strings.ToLower(kind), err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// readKey reads the one key of a key ring, in binary form or as text.
func readKey(data []byte) (*openpgp.Entity, error) {
	read := openpgp.ReadKeyRing
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("-----BEGIN")) {
		read = openpgp.ReadArmoredKeyRing
	}
	ring, err := read(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("no OpenPGP key: %w", err)
	}
	if len(ring) != 1 {
		return nil, errors.New("must hold exactly one key")
	}
	return ring[0], nil
}
