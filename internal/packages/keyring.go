package packages

import (
	"path/filepath"

	"github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
	"github.com/goreleaser/nfpm/v2/rpm"
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

// keyring is the package of the keys, for all systems.
type keyring struct {
	*recipe
	about        About
	binary, text []byte
}

func newKeyring(opts Options, d *Data, history []ChangelogEntry, stage string) (*keyring, error) {
	k := &keyring{recipe: &recipe{opts: opts, data: d, name: KeyringName,
		history: entriesFor(history, opts.Version, opts.Epoch), stage: filepath.Join(stage, KeyringName)}}
	k.texts = &texts{dir: d.dir, plugin: "keyring", naming: Naming{Name: KeyringName, Version: opts.Version.Deb()}}
	err := decode(filepath.Join(d.dir, "keyring", "keyring.yml"), &k.about)
	if err == nil {
		k.binary, k.text, err = opts.Keyring.Public()
	}
	return k, err
}

func (k *keyring) deb() (fileName string, content []byte, err error) {
	info := k.info()
	if info.Contents, err = k.debDocuments(); err != nil {
		return "", nil, err
	}
	source, err := k.write("keyring.gpg", k.binary)
	if err != nil {
		return "", nil, err
	}
	info.Contents = append(info.Contents, file(source, AptKeyring, files.TypeFile))
	info.Version = k.opts.Version.Deb()
	info.Section, info.Priority = k.about.Section, "optional"
	info.Description = k.about.Summary + "\n" + k.about.Description
	info.Deb.Compression = "gzip:9"
	return pack(deb.Default, info)
}

// rpm has no %config: a file that an administrator put there before, or
// changed, must not outlive its key.
func (k *keyring) rpm() (fileName string, content []byte, err error) {
	info := k.info()
	source, err := k.write("keyring.asc", k.text)
	if err != nil {
		return "", nil, err
	}
	license, err := k.fillIn("rpm-LICENSE", "copyright")
	if err != nil {
		return "", nil, err
	}
	licenses := "/usr/share/licenses/" + k.name
	info.Contents = append(files.Contents{
		file(source, RPMKeyring, files.TypeFile),
		file(license, licenses+"/LICENSE", files.TypeRPMLicense),
	}, rpmFolders(licenses, "/usr/share/licenses")...)
	info.Version, info.Release = k.opts.Version.RPM()
	info.Description = k.about.Description
	info.Depends = rpmlib
	info.RPM.Summary, info.RPM.Group = k.about.Summary, k.about.Group
	k.rpmCommon(info)
	if info.Changelog, err = k.rpmChangelog(); err != nil {
		return "", nil, err
	}
	return pack(rpm.DefaultRPM, info)
}
