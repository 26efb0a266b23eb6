// Package signing signs packages and repositories with an OpenPGP key that
// every supported system can check, rpm 4.8 and apt 0.8 included.
package signing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"

	"github.com/avirkit/avirkit/internal/atomicdir"
)

// Variables of the environment that name the keys. Several have colons between.
const (
	KeyFileVariable        = "AVIR_SIGNING_KEY"             // files with secret keys
	PassphraseFileVariable = "AVIR_SIGNING_PASSPHRASE_FILE" // files with their passphrases, if they have some
	KeyIDVariable          = "AVIR_SIGNING_KEYID"           // fingerprints of keys that gpg's agent holds
	KeyringVariable        = "AVIR_SIGNING_KEYRING"         // file with the public keys that clients shall trust
)

// signer makes signatures with one key. The same data gives the same bytes.
type signer interface {
	// Detach returns a binary signature of data.
	Detach(data []byte) ([]byte, error)

	// Clearsign returns text inside a signed message.
	Clearsign(text []byte) ([]byte, error)

	// Key returns the key's public half.
	Key() *openpgp.Entity
}

// Keys are a publisher's: those that sign, and those that clients shall trust.
// There are several while a new key takes an old one's place. With nil instead of
// keys, packages and indexes stay unsigned.
type Keys struct {
	*Ring
	signers []signer
}

// FromEnvironment returns the keys that the environment names, or nil if it
// names none that signs. Signatures carry the time at, or the key's own if that
// is later: a signature must not be older than its key.
func FromEnvironment(ctx context.Context, at time.Time) (*Keys, error) {
	files, ids := filepath.SplitList(os.Getenv(KeyFileVariable)), filepath.SplitList(os.Getenv(KeyIDVariable))
	phrases := filepath.SplitList(os.Getenv(PassphraseFileVariable))
	switch {
	case len(files) > 0 && len(ids) > 0:
		return nil, fmt.Errorf("%s and %s are both set: unset one", KeyFileVariable, KeyIDVariable)
	case len(phrases) > 1 && len(phrases) != len(files)+len(ids):
		return nil, fmt.Errorf("%s names %d files for %d keys: name one for each key, or one for all", PassphraseFileVariable, len(phrases), len(files)+len(ids))
	}
	var all []*Keys
	for i, key := range append(files, ids...) {
		phrase := ""
		if len(phrases) > 0 {
			phrase = phrases[min(i, len(phrases)-1)]
		}
		var k *Keys
		var err error
		if len(files) > 0 {
			k, err = FromFile(key, phrase, at)
		} else {
			k, err = FromAgent(ctx, key, phrase, at)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return Join(os.Getenv(KeyringVariable), all...)
}

// RingFromEnvironment returns the keys that clients shall trust where none
// signs, or nil: who checks a release makes its packages without its key.
func RingFromEnvironment(k *Keys) (*Ring, error) {
	switch path := os.Getenv(KeyringVariable); {
	case k != nil:
		return k.Ring, nil
	case path != "":
		return ReadRing(path)
	}
	return nil, nil
}

// single returns a signer whose key is the only one.
func single(s signer) *Keys {
	return &Keys{&Ring{trusted: openpgp.EntityList{s.Key()}}, []signer{s}}
}

// Join returns keys that sign together, the first of them packages. Clients
// trust those in the file ring, or if it has no name those that sign.
func Join(ring string, all ...*Keys) (*Keys, error) {
	k := &Keys{Ring: &Ring{}}
	for _, one := range all {
		k.signers = append(k.signers, one.signers...)
	}
	if ring != "" {
		var err error
		if k.Ring, err = ReadRing(ring); err != nil {
			return nil, err
		}
	}
	for _, s := range k.signers {
		id := fingerprintOf(s.Key())
		switch old := find(k.retired, id); {
		case old != nil:
			return nil, fmt.Errorf("%s %s says that signing key %s %s: sign with another", KeyringVariable, ring, id, ended(old, time.Now()))
		case find(k.trusted, id) != nil:
		case ring != "":
			return nil, fmt.Errorf("%s %s lacks the signing key %s: add it with gpg --armor --export %s >>%s", KeyringVariable, ring, id, id, ring)
		default:
			k.trusted = append(k.trusted, s.Key())
		}
	}
	for _, e := range k.trusted {
		advise(e, time.Now())
	}
	return k, nil
}

// Describe says in a few words how things are signed, for the last line of a
// target's output.
func Describe(k *Keys) string {
	if k == nil {
		return fmt.Sprintf("unsigned, because neither %s nor %s is set", KeyFileVariable, KeyIDVariable)
	}
	var ids []string
	for _, s := range k.signers {
		ids = append(ids, fingerprintOf(s.Key()))
	}
	return "signed by " + strings.Join(ids, " and ")
}

// First returns the key that signs RPM packages, alone.
func (k *Keys) First() *Keys {
	if k == nil {
		return nil
	}
	return single(k.signers[0])
}

// Fingerprint returns the fingerprint of the first key, 40 hexadecimal digits.
func Fingerprint(k *Keys) string { return fingerprintOf(k.Key()) }

func fingerprintOf(e *openpgp.Entity) string {
	return strings.ToUpper(fmt.Sprintf("%x", e.PrimaryKey.Fingerprint))
}

// Key returns the public half of the first key.
func (k *Keys) Key() *openpgp.Entity { return k.signers[0].Key() }

// Detach returns a binary signature by the first key: an RPM package has no
// place for another.
func (k *Keys) Detach(data []byte) ([]byte, error) { return k.signers[0].Detach(data) }

// Clearsign returns text inside a message that all keys have signed. The armor
// of the signatures has a checksum, which the clearsign package leaves out: gpg
// fails to find the end of some signatures without it.
func (k *Keys) Clearsign(text []byte) ([]byte, error) {
	var message, signatures bytes.Buffer
	for i, s := range k.signers {
		signed, err := s.Clearsign(text)
		if err != nil {
			return nil, err
		}
		block, _ := clearsign.Decode(signed)
		if block == nil {
			return nil, errors.New("read back the signed text: it is malformed")
		}
		if i == 0 {
			message.Write(signed[:bytes.LastIndex(signed, []byte("-----BEGIN PGP SIGNATURE-----"))])
		}
		if _, err := io.Copy(&signatures, block.ArmoredSignature.Body); err != nil {
			return nil, fmt.Errorf("read back the signature: %w", err)
		}
	}
	armor, err := armored(openpgp.SignatureType, signatures.Bytes())
	return append(message.Bytes(), armor...), err
}

// DetachArmored returns the signatures of data by all keys, as text. The first
// key's comes first: a client that looks at one signature only has that key.
func DetachArmored(k *Keys, data []byte) ([]byte, error) {
	var all []byte
	for _, s := range k.signers {
		signature, err := s.Detach(data)
		if err != nil {
			return nil, err
		}
		all = append(all, signature...)
	}
	return armored(openpgp.SignatureType, all)
}

// WriteDetached writes the signatures of data, as text. Without keys, nil, it
// writes nothing.
func (k *Keys) WriteDetached(path string, data []byte) error {
	if k == nil {
		return nil
	}
	signature, err := DetachArmored(k, data)
	if err != nil {
		return err
	}
	return atomicdir.WriteFile(path, signature, 0o644)
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

// readKey reads a file that holds exactly one key.
func readKey(data []byte) (*openpgp.Entity, error) {
	ring, err := readKeys(data)
	if err != nil {
		return nil, err
	}
	if len(ring) != 1 {
		return nil, errors.New("must hold exactly one key")
	}
	return ring[0], nil
}
