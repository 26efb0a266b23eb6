package install

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// subscriber is a package manager that reads a repository.
type subscriber interface {
	manager

	// subscribe writes the lines of docs/administrator.md for a repository of
	// the kit, and reads its index from nothing.
	subscribe(ctx context.Context, place string) error

	// get runs a command of apt-get's and dnf's: install NAME, or upgrade.
	get(ctx context.Context, words ...string) (output string, err error)

	// keyring returns where the publisher's keys belong, and their file in a
	// repository.
	keyring() (path, published string)
}

// keysOf reads the publisher's keys in a repository, in the form for m.
func (k *kit) keysOf(m subscriber, place string) (path, keys string, err error) {
	path, published := m.keyring()
	data, err := os.ReadFile(filepath.Join(k.dir, place, published))
	if err != nil {
		return "", "", fmt.Errorf("read the repository's key: %w", err)
	}
	return path, string(data), nil
}

// takeKeys copies the keys of a repository, as an administrator does.
func (k *kit) takeKeys(m subscriber, place string) error {
	path, keys, err := k.keysOf(m, place)
	if err != nil {
		return err
	}
	return m.tree().Write(path, keys, 0o644)
}

// hasKeys checks that m has the keys of a repository.
func (k *kit) hasKeys(m subscriber, place string) error {
	path, want, err := k.keysOf(m, place)
	if err != nil {
		return err
	}
	got, err := os.ReadFile(m.tree().Path(path))
	if err == nil && string(got) != want {
		err = fmt.Errorf("%s does not hold the keys of %s", path, place)
	}
	return err
}

// What apt and dnf say of a signature or a digest that is wrong.
var (
	wrongSignature = regexp.MustCompile(`(?i)signature`)
	wrongDigest    = regexp.MustCompile(`(?i)hash sum mismatch|checksum`)
)

// refusals checks that m takes nothing that the repository's owner did not sign,
// and that m names what is wrong with it.
func (k *kit) refusals(ctx context.Context, m subscriber, p pkg) error {
	for _, r := range []struct {
		place, what string
		index       bool // whether the index itself is good
		why         *regexp.Regexp
	}{
		{"stranger", "a repository that another key signed", false, wrongSignature},
		{"tampered-index", "an index that was changed after it was signed", false, wrongSignature},
		{"detached-tampered", "an index without InRelease that was changed after it was signed", false, wrongSignature},
		{"tampered-lists", "a list of packages that was changed", false, wrongDigest},
		{"tampered-package", "a changed package", true, wrongDigest},
	} {
		index := m.subscribe(ctx, r.place)
		_, install := m.fetch(ctx, p)
		switch {
		case (index == nil) != r.index:
			return fmt.Errorf("%s: its index is taken: %v, but it should be: %v", r.what, index == nil, r.index)
		case install == nil:
			return fmt.Errorf("a package is taken from %s", r.what)
		}
		if reason := cmp.Or(index, install); !r.why.MatchString(reason.Error()) {
			return fmt.Errorf("%s is refused, but not for what is wrong with it: %w", r.what, reason)
		}
	}
	return nil
}
