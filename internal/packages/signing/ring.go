package signing

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/avirkit/avirkit/internal/run"
)

// Ring holds the public keys of a publisher.
type Ring struct {
	trusted openpgp.EntityList // clients have them, or shall have them
	retired openpgp.EntityList // revoked or expired; known only to say so
}

// ReadRing reads a file with public keys, in binary form or as text. One that
// is revoked or expired may stay there: clients no longer get it.
func ReadRing(path string) (*Ring, error) {
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o002 != 0 {
		err = fmt.Errorf("%s can be changed by every user, who could add a key: run chmod o-w %s", path, path)
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the keys that clients shall trust: %w", err)
	}
	keys, err := readKeys(data)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", KeyringVariable, path, err)
	}
	return newRing(KeyringVariable+" "+path, keys)
}

// Offered returns the keys of all files in which a publisher has offered some
// over the years, today's file first. Of a key's copies the first one counts, with
// the revocations of all.
func Offered(source string, files [][]byte) (*Ring, error) {
	var all openpgp.EntityList
	for _, data := range files {
		keys, err := readKeys(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", source, err)
		}
		for _, e := range keys {
			if first := find(all, fingerprintOf(e)); first != nil {
				first.Revocations = append(first.Revocations, e.Revocations...)
			} else {
				all = append(all, e)
			}
		}
	}
	return newRing(source, all)
}

// Listed returns the keys that a release lists, whatever has become of them
// since: its package of the keys is made of these.
func Listed(data []byte) (*Ring, error) {
	keys, err := readKeys(data)
	return &Ring{trusted: keys}, err
}

// newRing retires the keys that are no longer valid, and refuses those that
// clients can't use.
func newRing(source string, keys openpgp.EntityList) (*Ring, error) {
	r, now := &Ring{}, time.Now()
	for _, e := range keys {
		id := fingerprintOf(e)
		switch end := ended(e, now); {
		case e.PrivateKey != nil:
			return nil, fmt.Errorf("%s holds the secret half of key %s: put public keys only into it, as gpg --export prints them", source, id)
		case find(r.trusted, id) != nil || find(r.retired, id) != nil:
			return nil, fmt.Errorf("%s holds key %s twice: remove the older copy", source, id)
		case end != "":
			run.Printf("  !! key %s %s: clients no longer get it, and what it signed is refused", id, end)
			r.retired = append(r.retired, e)
			continue
		}
		if err := suitable(e, now); err != nil {
			return nil, fmt.Errorf("%s: key %s: %w", source, id, err)
		}
		r.trusted = append(r.trusted, e)
	}
	if len(r.trusted) == 0 {
		return nil, fmt.Errorf("%s holds no key that is valid", source)
	}
	return r, nil
}

// find returns the key with this fingerprint, or nil.
func find(list openpgp.EntityList, fingerprint string) *openpgp.Entity {
	for _, e := range list {
		if fingerprintOf(e) == fingerprint {
			return e
		}
	}
	return nil
}

// Fingerprints names the keys that clients get.
func (r *Ring) Fingerprints() (all []string) {
	for _, e := range r.trusted {
		all = append(all, fingerprintOf(e))
	}
	return all
}

// Only returns a ring with just the keys that have these fingerprints.
func (r *Ring) Only(fingerprints []string) *Ring {
	only := &Ring{retired: r.retired}
	for _, e := range r.trusted {
		if slices.Contains(fingerprints, fingerprintOf(e)) {
			only.trusted = append(only.trusted, e)
		}
	}
	return only
}

// Public returns the keys that clients get: in binary form for apt, and as
// text for rpm, each in an armor of its own.
func (r *Ring) Public() (binary, text []byte, err error) {
	for _, e := range r.trusted {
		var b bytes.Buffer
		if err := e.Serialize(&b); err != nil {
			return nil, nil, fmt.Errorf("write the public key: %w", err)
		}
		one, err := armored(openpgp.PublicKeyType, b.Bytes())
		if err != nil {
			return nil, nil, err
		}
		binary, text = append(binary, b.Bytes()...), append(text, one...)
	}
	return binary, text, nil
}

// Name says which key has an id of 16 hexadecimal digits, and what is wrong
// with it.
func (r *Ring) Name(id string) string {
	if n, err := strconv.ParseUint(id, 16, 64); err == nil {
		for _, k := range r.retired.KeysById(n) {
			return fmt.Sprintf("key %s, which %s", fingerprintOf(k.Entity), ended(k.Entity, time.Now()))
		}
	}
	return fmt.Sprintf("key %s, which is none of those that clients shall trust", strings.ToUpper(id))
}

// Open returns the text of a signed message, if a trusted key has signed it.
func (r *Ring) Open(message []byte) ([]byte, error) {
	block, _ := clearsign.Decode(message)
	if block == nil {
		return nil, errors.New("it has no signature")
	}
	signatures, err := io.ReadAll(block.ArmoredSignature.Body)
	if err == nil {
		block.ArmoredSignature.Body = bytes.NewReader(signatures)
		_, err = block.VerifySignature(r.trusted, nil)
	}
	if err == nil {
		err = exactMessage(message, block.Plaintext, signatures)
	}
	return block.Plaintext, r.explain(signatures, err)
}

// Check makes sure that a trusted key has made a signature of data, which is
// there as text.
func (r *Ring) Check(data, signature []byte) error {
	block, err := armor.Decode(bytes.NewReader(signature))
	if err != nil {
		return fmt.Errorf("read the signature: %w", err)
	}
	signatures, err := io.ReadAll(block.Body)
	if err == nil {
		_, err = openpgp.CheckDetachedSignature(r.trusted, bytes.NewReader(data), bytes.NewReader(signatures), nil)
	}
	if err == nil {
		err = exact(signature, signatures)
	}
	return r.explain(signatures, err)
}

// explain names the keys that made signatures of which none is trusted.
func (r *Ring) explain(signatures []byte, err error) error {
	if !errors.Is(err, pgperrors.ErrUnknownIssuer) {
		return err
	}
	var names []string
	for packets := packet.NewReader(bytes.NewReader(signatures)); ; {
		p, end := packets.Next()
		if end != nil {
			return fmt.Errorf("it is signed by %s", strings.Join(names, " and by "))
		}
		if s, ok := p.(*packet.Signature); ok && s.IssuerKeyId != nil {
			names = append(names, r.Name(fmt.Sprintf("%016X", *s.IssuerKeyId)))
		}
	}
}

// readKeys reads all keys in a key ring, in binary form or as text. gpg writes
// one armor around all keys; cat puts one behind the other.
func readKeys(data []byte) (openpgp.EntityList, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("-----BEGIN")) {
		keys, err := openpgp.ReadKeyRing(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("no OpenPGP key: %w", err)
		}
		return keys, nil
	}
	var all openpgp.EntityList
	for part := range bytes.SplitAfterSeq(data, []byte("\n-----END PGP PUBLIC KEY BLOCK-----")) {
		if len(bytes.TrimSpace(part)) == 0 {
			continue
		}
		keys, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(part))
		if err != nil {
			return nil, fmt.Errorf("no OpenPGP key: %w", err)
		}
		all = append(all, keys...)
	}
	return all, nil
}
