package repo

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/packages/signing"
)

// Vouched collects what signatures vouch for in a published folder, in which
// anybody who can write to the web server may have put anything.
type Vouched struct {
	Dir   *os.Root
	Keys  *signing.Ring
	Files map[string]string // their SHA-256, by path
	Wrong []error           // each names a file
}

// Read returns the content of a file, nil if it can't be read.
func (v *Vouched) Read(name string) []byte {
	data, err := readRegular(v.Dir, name)
	if err != nil {
		v.Wrong = append(v.Wrong, err)
	}
	return data
}

// Check notes a file that must have this digest.
func (v *Vouched) Check(name, sum string) []byte {
	data, err := readRegular(v.Dir, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v.fail(name, errors.New("it is missing, and signed indexes or checksums name it"))
	case err != nil:
		v.Wrong = append(v.Wrong, err)
	case digest(data) != sum:
		v.fail(name, errors.New("it is not the file that signed indexes or checksums name"))
		v.Files[name] = sum // said once
	default:
		v.Files[name] = sum
	}
	return data
}

// Signed notes a file and the file with its signature.
func (v *Vouched) Signed(name, signature string) []byte {
	data, sig := v.Read(name), v.Read(signature)
	if data == nil || sig == nil {
		return nil
	}
	v.Files[name], v.Files[signature] = digest(data), digest(sig)
	if err := v.Keys.Check(data, sig); err != nil {
		v.fail(signature, fmt.Errorf("it is no good signature of %s: %w", path.Base(name), err))
		return nil
	}
	return data
}

func (v *Vouched) fail(name string, err error) {
	v.Wrong = append(v.Wrong, fmt.Errorf("%s/%s: %w", v.Dir.Name(), name, err))
}

// Repositories notes all that the signed indexes of the repositories name,
// down to the packages, and checks each RPM package's own signature.
func (v *Vouched) Repositories(ctx context.Context) error {
	for _, c := range v.channels() {
		v.apt(c)
		v.yum(c)
	}
	rpms := newContents()
	for name, sum := range v.Files {
		for _, c := range channels {
			if place, ok := strings.CutPrefix(name, c.yum()+"/"); ok && path.Ext(name) == rpmFormat.extension {
				rpms[c][place] = sum
			}
		}
	}
	if len(v.Wrong) > 0 { // rpm shall read no file that a list does not vouch for
		return nil
	}
	err := vouchRPM(ctx, Options{Signer: &signing.Keys{Ring: v.Keys}}, v.Dir.Name(), rpms)
	if ctx.Err() == nil && err != nil {
		v.Wrong = append(v.Wrong, err)
	}
	return ctx.Err()
}

// channels are those that the index of stable names.
func (v *Vouched) channels() []Channel {
	data, err := readRegular(v.Dir, Stable.suite()+"/InRelease")
	if err != nil {
		return []Channel{Stable}
	}
	text, _ := v.Keys.Open(data) // apt complains
	named := strings.Fields(parseStanza(string(text))["Channels"])
	return slices.DeleteFunc(slices.Clone(channels), func(c Channel) bool { return c != Stable && !slices.Contains(named, string(c)) })
}

func (v *Vouched) apt(c Channel) {
	suite := c.suite()
	message, release := v.Read(suite+"/InRelease"), v.Signed(suite+"/Release", suite+"/Release.gpg")
	if message == nil {
		return
	}
	v.Files[suite+"/InRelease"] = digest(message)
	text, err := v.Keys.Open(message)
	if err != nil {
		v.fail(suite+"/InRelease", err)
		return
	}
	if release != nil && !bytes.Equal(bytes.TrimSpace(text), bytes.TrimSpace(release)) {
		v.fail(suite+"/Release", errors.New("it says something else than InRelease"))
	}
	fields := parseStanza(string(text))
	if fields["Suite"] != string(c) {
		v.fail(suite+"/InRelease", fmt.Errorf("it is the index of %q", fields["Suite"]))
	}
	for line := range strings.Lines(fields["SHA256"]) {
		f := strings.Fields(line)
		if len(f) != 3 || f[2] == "Release" { // apt-ftparchive lists an empty one of before
			continue
		}
		list := v.Check(suite+"/"+f[2], f[0])
		if path.Base(f[2]) != "Packages" || list == nil {
			continue
		}
		places, err := parsePackages(list)
		if err != nil {
			v.fail(suite+"/"+f[2], err)
		}
		for place, sum := range places {
			v.Check(debPool+"/"+place, sum)
		}
	}
}

func (v *Vouched) yum(c Channel) {
	name := c.yum() + "/" + repomdFile
	repomd := v.Signed(name, name+".asc")
	if repomd == nil {
		return
	}
	places, err := readPrimary(repomd, c, func(name string) ([]byte, error) { return readRegular(v.Dir, c.yum()+"/"+name) })
	if err != nil {
		v.fail(name, err)
		return
	}
	for place, sum := range places {
		v.Check(c.yum()+"/"+place, sum)
	}
	var index repomdIndex
	if err := xml.Unmarshal(repomd, &index); err != nil {
		v.fail(name, err)
	}
	for _, d := range index.Data {
		v.Check(c.yum()+"/"+d.Location.Href, d.Checksum)
	}
}
