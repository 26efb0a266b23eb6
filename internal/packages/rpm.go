package packages

import (
	"fmt"
	"io"
	"slices"

	"github.com/goreleaser/nfpm/v2/rpm"

	"github.com/avirkit/avirkit/internal/build/platform"
)

// rpmlib are the features of rpm that the packages use. nfpm doesn't say so
// by itself, and a rpm without them would unpack the wrong files.
var rpmlib = []string{
	"rpmlib(CompressedFileNames) <= 3.0.4-1",
	"rpmlib(FileDigests) <= 4.6.0-1",
}

// ScriptNeeds hold what the scripts call: every RPM package requires them.
var ScriptNeeds = []string{"/bin/sh", "coreutils", "findutils", "grep"}

// rpm builds the RPM package, signed if there is a key.
func (r *recipe) rpm() (fileName string, content []byte, err error) {
	info := r.info(r.forRPM)
	info.Version, info.Release = r.opts.Version.RPM()
	info.Description = r.about.Description
	info.RPM.Summary, info.RPM.Group = r.about.Summary, r.about.Group
	info.Depends = slices.Concat(info.Depends, rpmlib)
	if r.platform != nil {
		// The package of the other width has the same file, so they exclude each
		// other. They have one name, and only this that tells them apart.
		info.Provides = []string{r.name + isa(r.platform) + " = " + r.opts.Version.RPMWhole()}
		info.Conflicts = []string{r.name + isa(r.platform.Other())}
		info.RPM.Arch = r.platform.RPM
	}
	info.RPM.Compression = "gzip" // rpm 4.8 knows no zstd
	info.RPM.BuildHost = "localhost"
	if signer := r.opts.Signer; signer != nil {
		info.RPM.Signature.SignFn = func(data io.Reader) ([]byte, error) {
			content, err := io.ReadAll(data)
			if err != nil {
				return nil, err
			}
			return signer.Detach(content)
		}
	}
	if info.Changelog, err = r.rpmChangelog(); err != nil {
		return "", nil, err
	}
	if err := r.scripts("rpm", map[string]*string{
		"pre": &info.Scripts.PreInstall, "post": &info.Scripts.PostInstall, "postun": &info.Scripts.PostRemove,
	}); err != nil {
		return "", nil, err
	}
	return pack(rpm.DefaultRPM, info)
}

// isa is what rpm appends to the name of a package that is for one processor.
func isa(p *platform.Platform) string { return fmt.Sprintf("(x86-%d)", p.Bits()) }

func (r *recipe) rpmChangelog() (string, error) {
	entries, err := chglogEntries(r.history, r.data.Maintainer, Version.RPMWhole)
	if err != nil {
		return "", err
	}
	path, err := r.write("rpm-changelog.yml", nil)
	if err != nil {
		return "", err
	}
	if err := entries.Save(path); err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	return path, nil
}
