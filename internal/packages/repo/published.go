package repo

import (
	"crypto/sha256"
	"fmt"
	"os"
	"time"

	"github.com/avirkit/avirkit/internal/packages/signing"
)

// published is what the indexes of the published repositories say. Where there
// is a key, it has signed them: nothing else in that folder says which
// packages are ours.
type published struct {
	signed bool      // the apt index of stable has a signature
	date   time.Time // of the newest apt index; zero if nobody signed it though there is a key
	lists  map[string]contents
}

// listing maps packages, by their places below a pool, to their SHA-256.
type listing map[string]string

// readPublished reads the indexes in the folder of what is published.
func readPublished(o Options, dir *os.Root) (*published, error) {
	p := &published{lists: map[string]contents{debFormat.extension: newContents(), rpmFormat.extension: newContents()}}
	v := &Vouched{Dir: dir, Files: map[string]string{}, unsigned: true}
	if o.Signer != nil { // otherwise checkSigned has seen that nothing is signed
		_, err := dir.Lstat(Stable.suite() + "/InRelease")
		switch p.signed = err == nil; {
		case p.signed:
			v.Keys, v.unsigned = o.Signer.Ring, false
		case o.Named:
			return nil, fmt.Errorf("%s holds no signed index: set %s to the folder of what is published, or sign its Release file with key %s",
				o.Published, PublishedVariable, signing.Fingerprint(o.Signer))
		}
	}
	for _, c := range v.channels() {
		var fields map[string]string
		fields, p.lists[debFormat.extension][c] = v.apt(c)
		p.lists[rpmFormat.extension][c] = v.yum(c)
		if len(v.Wrong) > 0 {
			return nil, v.Wrong[0]
		}
		if !p.signed && o.Signer != nil {
			continue // nobody vouches for the date
		}
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
	return p, nil
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
