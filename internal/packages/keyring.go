package packages

import (
	"path/filepath"

	"github.com/goreleaser/nfpm/v2/files"
)

// KeyringName is the package with the keys that clients shall trust. Whoever
// upgrades it gets a new key before the old one goes.
const KeyringName = "avirkit-archive-keyring"

// Where it puts the keys. Administrators put the first key into the same place,
// which no package owns then, so that the package replaces it.
const (
	AptKeyring = "/usr/share/keyrings/" + KeyringName + ".gpg"
	RPMKeyring = "/etc/pki/rpm-gpg/RPM-GPG-KEY-avirkit"
)

// keyring is the recipe of the keys, for all systems. rpm has no %config: a file
// that an administrator put there before, or changed, must not outlive its key.
func (b batch) keyring() (*recipe, error) {
	r, err := b.recipe(KeyringName, nil, &texts{dir: b.data.dir, plugin: "keyring", naming: Naming{Name: KeyringName, Version: b.opts.Version.Deb()}})
	if err != nil {
		return nil, err
	}
	if err := decode(filepath.Join(b.data.dir, "keyring", "keyring.yml"), &r.about); err != nil {
		return nil, err
	}
	binary, text, err := b.opts.Keyring.Public()
	if err != nil {
		return nil, err
	}
	for _, key := range []struct {
		format, to string
		data       []byte
	}{{"deb", AptKeyring, binary}, {"rpm", RPMKeyring, text}} {
		source, err := r.write("keyring-"+key.format, key.data)
		if err != nil {
			return nil, err
		}
		r.add(only(key.format, file(source, key.to, files.TypeFile)))
	}
	return r, nil
}
