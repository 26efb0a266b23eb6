package repo

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"

	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/packages/signing"
)

// published is what the indexes of the published repositories say. Where there
// is a key, it has signed them: nothing else in that folder says which
// packages are ours.
type published struct {
	signed bool
	date   time.Time // of the apt index; zero if nobody signed it though there is a key
	lists  map[string]listing
}

// listing maps packages, by their places below a pool, to their SHA-256.
type listing map[string]string

const suite = "apt/dists/" + packages.Suite

// readPublished reads the indexes in the folder of what is published.
func readPublished(o Options, dir *os.Root) (*published, error) {
	p := &published{lists: map[string]listing{}}
	release, err := p.release(o, dir)
	if err != nil {
		return nil, err
	}
	fields := parseStanza(string(release))
	if p.signed || o.Signer == nil {
		if p.date, err = time.Parse(aptTime, fields["Date"]); err != nil {
			return nil, fmt.Errorf("read the date of the published index in %s: %w", o.Published, err)
		}
		if p.date.After(time.Now()) {
			return nil, fmt.Errorf("the published index in %s has a date in the future, %s, which apt refuses: publish again after that time", o.Published, fields["Date"])
		}
	}
	if p.lists[debFormat.extension], err = readAptLists(dir, fields["SHA256"]); err != nil {
		return nil, err
	}
	p.lists[rpmFormat.extension], err = p.yum(o, dir)
	return p, err
}

// release returns the content of apt's index, without its signature.
func (p *published) release(o Options, dir *os.Root) ([]byte, error) {
	if o.Signer == nil { // checkSigned has seen that there is no InRelease
		return readRegular(dir, suite+"/Release")
	}
	signed, err := readRegular(dir, suite+"/InRelease")
	if errors.Is(err, fs.ErrNotExist) {
		if o.Named {
			return nil, fmt.Errorf("%s holds no signed index: set %s to the folder of what is published, or sign its Release file with key %s",
				o.Published, PublishedVariable, signing.Fingerprint(o.Signer))
		}
		return readRegular(dir, suite+"/Release")
	}
	if err != nil {
		return nil, err
	}
	p.signed = true
	block, _ := clearsign.Decode(signed)
	if block == nil {
		return nil, fmt.Errorf("%s/%s/InRelease has no signature", o.Published, suite)
	}
	if _, err := block.VerifySignature(openpgp.EntityList{o.Signer.Key()}, nil); err != nil {
		return nil, fmt.Errorf("%s/%s/InRelease is not signed by key %s: %w", o.Published, suite, signing.Fingerprint(o.Signer), err)
	}
	return block.Plaintext, nil
}

// readAptLists reads the lists of packages, whose digests stand in sums: lines
// of a digest, a size and a name.
func readAptLists(dir *os.Root, sums string) (listing, error) {
	all := listing{}
	for line := range strings.Lines(sums) {
		f := strings.Fields(line)
		if len(f) != 3 || !strings.HasSuffix(f[2], "/Packages") {
			continue
		}
		data, err := readRegular(dir, suite+"/"+f[2])
		if err != nil {
			return nil, err
		}
		if digest(data) != f[0] {
			return nil, fmt.Errorf("%s/%s/%s is not the list that the index names", dir.Name(), suite, f[2])
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

// yum returns the packages of the yum repository.
func (p *published) yum(o Options, dir *os.Root) (listing, error) {
	index, err := readRegular(dir, "yum/"+repomdFile)
	if err != nil {
		return nil, err
	}
	if p.signed {
		signature, err := readRegular(dir, "yum/"+repomdFile+".asc")
		if err != nil {
			return nil, err
		}
		if _, err := openpgp.CheckArmoredDetachedSignature(openpgp.EntityList{o.Signer.Key()}, bytes.NewReader(index), bytes.NewReader(signature), nil); err != nil {
			return nil, fmt.Errorf("%s/yum/%s is not signed by key %s: %w", o.Published, repomdFile, signing.Fingerprint(o.Signer), err)
		}
	}
	return readPrimary(index, func(name string) ([]byte, error) { return readRegular(dir, "yum/"+name) })
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
