package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
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

	unsigned bool // nobody signs, and the indexes alone vouch
}

// aside returns a copy for a look at the same folder whose findings do not count.
func (v *Vouched) aside() *Vouched {
	return &Vouched{Dir: v.Dir, Keys: v.Keys, Files: map[string]string{}, unsigned: v.unsigned}
}

// Read returns the content of a file, nil if it can't be read.
func (v *Vouched) Read(name string) []byte {
	data, err := readRegular(v.Dir, name)
	if err != nil {
		v.Wrong = append(v.Wrong, err)
	}
	return data
}

// Check notes a file that must have this digest, and returns its content if it
// has.
func (v *Vouched) Check(name, sum string) []byte {
	data, err := readRegular(v.Dir, name)
	v.Files[name] = sum // what is wrong with it is said here
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v.Fail(name, errors.New("it is missing, and signed indexes or checksums name it"))
	case err != nil:
		v.Wrong = append(v.Wrong, err)
	case digest(data) != sum:
		v.Fail(name, errors.New("it is not the file that signed indexes or checksums name"))
	default:
		return data
	}
	return nil
}

// Signed notes a file and the file with its signature.
func (v *Vouched) Signed(name, signature string) []byte {
	data, sig := v.Read(name), v.Read(signature)
	if data == nil || sig == nil {
		return nil
	}
	v.Files[name], v.Files[signature] = digest(data), digest(sig)
	if err := v.Keys.Check(data, sig); err != nil {
		v.Fail(signature, fmt.Errorf("it is no good signature of %s: %w", path.Base(name), err))
		return nil
	}
	return data
}

// Fail notes what is wrong with a file.
func (v *Vouched) Fail(name string, err error) {
	v.Wrong = append(v.Wrong, fmt.Errorf("%s/%s: %w", v.Dir.Name(), Printable(name), err))
}

// Repositories notes all that the signed indexes of the repositories name,
// down to the packages, and checks each RPM package's own signature.
func (v *Vouched) Repositories(ctx context.Context) error {
	rpms := newContents()
	for _, c := range v.channels() {
		v.copyForOldApt(c.suite())
		_, debs := v.apt(c)
		rpms[c] = v.yum(c)
		for pool, list := range map[string]listing{debPool: debs, c.yum(): rpms[c]} {
			for place, sum := range list {
				v.Check(pool+"/"+place, sum)
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
	index := v.aside().release(Stable.suite()) // what is wrong with it, v.apt tells
	named := strings.Fields(parseStanza(string(index))["Channels"])
	return slices.DeleteFunc(slices.Clone(channels), func(c Channel) bool { return c != Stable && !slices.Contains(named, string(c)) })
}

// release returns the index of a suite, without its signature.
func (v *Vouched) release(suite string) []byte {
	if v.unsigned {
		return v.Read(suite + "/Release")
	}
	message := v.Read(suite + "/InRelease")
	if message == nil {
		return nil
	}
	v.Files[suite+"/InRelease"] = digest(message)
	text, err := v.Keys.Open(message)
	if err != nil {
		v.Fail(suite+"/InRelease", fmt.Errorf("it is not signed by a key that clients trust: %w", err))
		return nil
	}
	return text
}

// copyForOldApt notes the index that has its signature in a file beside it, as
// apt 0.8 wants. It must say the same as InRelease.
func (v *Vouched) copyForOldApt(suite string) {
	release := v.Signed(suite+"/Release", suite+"/Release.gpg")
	text := v.aside().release(suite)
	if release != nil && text != nil && !bytes.Equal(bytes.TrimSpace(text), bytes.TrimSpace(release)) {
		v.Fail(suite+"/Release", errors.New("it says something else than InRelease"))
	}
}

// apt notes a channel's indexes for apt. It returns the fields of the topmost
// one, nil if that can't be believed, and the packages.
func (v *Vouched) apt(c Channel) (fields map[string]string, list listing) {
	suite := c.suite()
	text := v.release(suite)
	if text == nil {
		return nil, nil
	}
	fields, list = parseStanza(string(text)), listing{}
	if fields["Suite"] != string(c) {
		v.Fail(suite+"/InRelease", fmt.Errorf("it is the index of the channel %q", fields["Suite"]))
	}
	for line := range strings.Lines(fields["SHA256"]) {
		f := strings.Fields(line)
		if len(f) != 3 || f[2] == "Release" { // if apt-ftparchive writes into that file, it lists it, still empty
			continue
		}
		data := v.Check(suite+"/"+f[2], f[0])
		if path.Base(f[2]) != "Packages" || data == nil {
			continue
		}
		places, err := parsePackages(data)
		if err != nil {
			v.Fail(suite+"/"+f[2], err)
		}
		maps.Copy(list, places)
	}
	return fields, list
}

// yum notes a channel's indexes for yum, and returns the packages.
func (v *Vouched) yum(c Channel) (list listing) {
	name := c.yum() + "/" + repomdFile
	var data []byte
	if v.unsigned {
		data = v.Read(name)
	} else {
		data = v.Signed(name, name+".asc")
	}
	if data == nil {
		return nil
	}
	index, err := parseRepomd(data, c)
	if err != nil {
		v.Fail(name, err)
	}
	for _, d := range index.Data {
		data := v.Check(c.yum()+"/"+d.Location.Href, d.Checksum)
		if d.Type != "primary" || data == nil {
			continue
		}
		if list, err = parsePrimary(data); err != nil {
			v.Fail(c.yum()+"/"+d.Location.Href, err)
		}
	}
	if list == nil && len(v.Wrong) == 0 {
		v.Fail(name, errors.New("it names no list of packages"))
	}
	return list
}
