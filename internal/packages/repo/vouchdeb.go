package repo

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"

	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/packages/signing"
)

// vouchDebs makes sure that the key has signed every published Debian
// package. They carry no signature: the published index must be signed, and
// have their digests.
func vouchDebs(o Options) error {
	if o.Signer == nil || o.Published == "" {
		return nil
	}
	var signed map[string]bool
	var bad []string
	err := filepath.WalkDir(filepath.Join(o.Published, "apt", "pool"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".deb" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if made, err := os.ReadFile(filepath.Join(o.Packages, d.Name())); err == nil && bytes.Equal(made, data) {
			return nil // it is one of the new ones, as after a run without a key
		}
		if signed == nil {
			if signed, err = signedDigests(o); err != nil {
				return err
			}
		}
		if !signed[fmt.Sprintf("%x", sha256.Sum256(data))] {
			bad = append(bad, d.Name())
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("check the published Debian packages: %w", err)
	}
	if len(bad) > 0 {
		return fmt.Errorf("the signed index in %s does not list %s: a signed repository vouches for all that it holds; remove them", o.Published, strings.Join(bad, ", "))
	}
	return nil
}

// signedDigests returns the digests that stand in the published lists of
// packages, which the signed Release file must name by theirs.
func signedDigests(o Options) (map[string]bool, error) {
	suite := filepath.Join(o.Published, "apt", "dists", packages.Suite)
	path := filepath.Join(suite, "InRelease")
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	block, _ := clearsign.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("%s is not signed: delete %s, or sign its Release file with key %s", path, o.Published, signing.Fingerprint(o.Signer))
	}
	if _, err := block.VerifySignature(openpgp.EntityList{o.Signer.Key()}, nil); err != nil {
		return nil, fmt.Errorf("%s is not signed by key %s: %w", path, signing.Fingerprint(o.Signer), err)
	}
	digests := map[string]bool{}
	for _, arch := range architectures {
		list, err := os.ReadFile(filepath.Join(suite, "main", "binary-"+arch, "Packages"))
		if err != nil {
			return nil, err
		}
		if !bytes.Contains(block.Plaintext, fmt.Appendf(nil, " %x ", sha256.Sum256(list))) {
			return nil, fmt.Errorf("the list of packages for %s is not the one that %s names", arch, path)
		}
		for line := range strings.Lines(string(list)) {
			if digest, ok := strings.CutPrefix(strings.TrimSpace(line), "SHA256: "); ok {
				digests[digest] = true
			}
		}
	}
	return digests, nil
}
