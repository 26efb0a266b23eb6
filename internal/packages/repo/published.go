package repo

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/avirkit/avirkit/internal/packages/signing"
)

// published is what the indexes of the published repositories say. Where there
// is a key, it has signed them: nothing else in that folder says which
// packages are ours.
type published struct {
	signed bool
	date   time.Time // of the newest apt index; zero if nobody signed it though there is a key
	lists  map[string]contents
}

// listing maps packages, by their places below a pool, to their SHA-256.
type listing map[string]string

// readPublished reads the indexes in the folder of what is published.
func readPublished(o Options, dir *os.Root) (*published, error) {
	p := &published{lists: map[string]contents{}}
	for _, f := range formats {
		p.lists[f.extension] = newContents()
	}
	there := []string{string(Stable)} // as long as its index names no others
	for _, c := range channels {
		if !slices.Contains(there, string(c)) {
			continue
		}
		fields, err := p.apt(o, dir, c)
		if err != nil {
			return nil, err
		}
		if p.lists[rpmFormat.extension][c], err = p.yum(o, dir, c); err != nil {
			return nil, err
		}
		if c == Stable {
			there = strings.Fields(fields["Channels"])
		}
	}
	return p, nil
}

// apt reads the packages in a channel of the apt repository, and returns the
// fields of the channel's index.
func (p *published) apt(o Options, dir *os.Root, c Channel) (map[string]string, error) {
	release, err := p.release(o, dir, c)
	if err != nil {
		return nil, err
	}
	fields := parseStanza(string(release))
	if p.signed || o.Signer == nil {
		date, err := time.Parse(aptTime, fields["Date"])
		if err != nil {
			return nil, fmt.Errorf("read the date of the published index in %s: %w", o.Published, err)
		}
		if date.After(time.Now()) {
			return nil, fmt.Errorf("the published index in %s has a date in the future, %s, which apt refuses: publish again after that time", o.Published, fields["Date"])
		}
		if date.After(p.date) {
			p.date = date
		}
	}
	if fields["Suite"] != string(c) {
		return nil, fmt.Errorf("%s/%s holds the index of the channel %q", o.Published, c.suite(), fields["Suite"])
	}
	p.lists[debFormat.extension][c], err = readAptLists(dir, c, fields["SHA256"])
	return fields, err
}

// release returns the content of a channel's apt index, without its signature.
func (p *published) release(o Options, dir *os.Root, c Channel) ([]byte, error) {
	if o.Signer == nil { // checkSigned has seen that there is no InRelease
		return readRegular(dir, c.suite()+"/Release")
	}
	signed, err := readRegular(dir, c.suite()+"/InRelease")
	if errors.Is(err, fs.ErrNotExist) && !p.signed {
		if o.Named {
			return nil, fmt.Errorf("%s holds no signed index: set %s to the folder of what is published, or sign its Release file with key %s",
				o.Published, PublishedVariable, signing.Fingerprint(o.Signer))
		}
		return readRegular(dir, c.suite()+"/Release")
	}
	if err != nil {
		return nil, err
	}
	p.signed = true
	release, err := o.Signer.Open(signed)
	if err != nil {
		return nil, fmt.Errorf("%s/%s/InRelease is not signed by key %s or another that clients trust: %w", o.Published, c.suite(), signing.Fingerprint(o.Signer), err)
	}
	return release, nil
}

// readAptLists reads the lists of packages, whose digests stand in sums: lines
// of a digest, a size and a name.
func readAptLists(dir *os.Root, c Channel, sums string) (listing, error) {
	all := listing{}
	for line := range strings.Lines(sums) {
		f := strings.Fields(line)
		if len(f) != 3 || !strings.HasSuffix(f[2], "/Packages") {
			continue
		}
		data, err := readRegular(dir, c.suite()+"/"+f[2])
		if err != nil {
			return nil, err
		}
		if digest(data) != f[0] {
			return nil, fmt.Errorf("%s/%s/%s is not the list that the index names", dir.Name(), c.suite(), f[2])
		}
		list, err := parsePackages(data)
		if err != nil {
			return nil, err
		}
		for place, sum := range list {
			all[place] = sum
		}
	}
	return all, nil
}

// yum returns the packages in a channel of the yum repository.
func (p *published) yum(o Options, dir *os.Root, c Channel) (listing, error) {
	index, err := readRegular(dir, c.yum()+"/"+repomdFile)
	if err != nil {
		return nil, err
	}
	if p.signed {
		signature, err := readRegular(dir, c.yum()+"/"+repomdFile+".asc")
		if err != nil {
			return nil, err
		}
		if err := o.Signer.Check(index, signature); err != nil {
			return nil, fmt.Errorf("%s/%s/%s is not signed by key %s or another that clients trust: %w", o.Published, c.yum(), repomdFile, signing.Fingerprint(o.Signer), err)
		}
	}
	return readPrimary(index, c, func(name string) ([]byte, error) { return readRegular(dir, c.yum()+"/"+name) })
}

func digest(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }

// notBefore returns the time for the new indexes: o.Epoch, or that of the
// published ones if it is later, because clients silently ignore an index that
// is older than the one they have.
func (p *published) notBefore(o Options) time.Time {
	if p != nil && p.date.After(o.Epoch) {
		return p.date
	}
	return o.Epoch
}
