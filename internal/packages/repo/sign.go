package repo

import (
	"path/filepath"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/packages/signing"
)

// Without a signer, nothing here writes anything.

// writeKey writes the public key for apt (binary) and for rpm (text).
func writeKey(s *signing.Keys, dir string) error {
	if s == nil {
		return nil
	}
	binary, text, err := s.Public()
	if err != nil {
		return err
	}
	if err := atomicdir.WriteFile(filepath.Join(dir, "avirkit.gpg"), binary, 0o644); err != nil {
		return err
	}
	return atomicdir.WriteFile(filepath.Join(dir, keyFile), text, 0o644)
}

// signRelease signs apt's index in both forms: apt 0.8 reads only the detached
// one.
func signRelease(s *signing.Keys, dir string, release []byte) error {
	if s == nil {
		return nil
	}
	if err := s.WriteDetached(filepath.Join(dir, "Release.gpg"), release); err != nil {
		return err
	}
	inline, err := s.Clearsign(release)
	if err != nil {
		return err
	}
	return atomicdir.WriteFile(filepath.Join(dir, "InRelease"), inline, 0o644)
}
