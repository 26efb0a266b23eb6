package signing

import (
	"bytes"
	"crypto"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// fileKey signs with a secret key that was read from a file.
type fileKey struct {
	entity *openpgp.Entity
	config *packet.Config
}

// FromFile reads the secret key in a file. passphraseFile holds its
// passphrase; it may be empty if the key has none.
func FromFile(path, passphraseFile string, at time.Time) (*Keys, error) {
	data, err := readSecret(path)
	if err != nil {
		return nil, fmt.Errorf("read the signing key: %w", err)
	}
	entity, err := readKey(data)
	if err == nil {
		err = suitable(entity, time.Now())
	}
	if err == nil {
		err = unlock(entity, passphraseFile)
	}
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", path, err)
	}
	when, salted := timeOf(entity, at), false
	return single(&fileKey{entity: entity, config: &packet.Config{
		DefaultHash: crypto.SHA256,
		Time:        func() time.Time { return when },
		// The primary key, even if there is a subkey for signatures.
		SigningKeyId:                          entity.PrimaryKey.KeyId,
		NonDeterministicSignaturesViaNotation: &salted,
	}}), nil
}

func unlock(e *openpgp.Entity, passphraseFile string) error {
	switch {
	case e.PrivateKey == nil:
		return fmt.Errorf("the file holds only the public key: export the secret one with gpg --export-secret-keys %X", e.PrimaryKey.Fingerprint)
	case e.PrivateKey.Dummy():
		return fmt.Errorf("the file holds only secret subkeys: %s", remedy)
	case !e.PrivateKey.Encrypted:
		return nil
	case passphraseFile == "":
		return fmt.Errorf("it is encrypted: put its passphrase into a file that only you can read, and its path into %s", PassphraseFileVariable)
	}
	passphrase, err := readPassphrase(passphraseFile)
	if err != nil {
		return err
	}
	if err := e.PrivateKey.Decrypt(passphrase); err != nil {
		return fmt.Errorf("the passphrase in %s does not open it", passphraseFile)
	}
	return nil
}

// readPassphrase returns the file's first line, as gpg does, without the
// carriage return of another system's editor.
func readPassphrase(path string) ([]byte, error) {
	data, err := readSecret(path)
	if err != nil {
		return nil, fmt.Errorf("read the key's passphrase: %w", err)
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), nil
}

// readSecret reads a file that nobody but its owner may read: whoever else
// could has the key by now.
func readSecret(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%s has the mode %04o, so that other users can read or change it: run chmod 600 %s, and make a new key if somebody may have", path, mode, path)
	}
	return io.ReadAll(f)
}

func (k *fileKey) Key() *openpgp.Entity { return k.entity }

func (k *fileKey) Detach(data []byte) ([]byte, error) {
	var b bytes.Buffer
	if err := openpgp.DetachSign(&b, k.entity, bytes.NewReader(data), k.config); err != nil {
		return nil, fmt.Errorf("sign with %s: %w", fingerprintOf(k.entity), err)
	}
	return b.Bytes(), nil
}

func (k *fileKey) Clearsign(text []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := clearsign.Encode(&b, k.entity.PrivateKey, k.config)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("sign with %s: %w", fingerprintOf(k.entity), err)
	}
	return b.Bytes(), nil
}
