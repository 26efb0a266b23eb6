package signing

import (
	"crypto"
	"fmt"
	"slices"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/avirkit/avirkit/internal/run"
)

// minBits is the length of the shortest RSA key that today's apt and rpm
// accept, goodBits the length that this project asks for.
const minBits, goodBits = 2048, 4096

const remedy = "an RSA key of 4096 bits whose primary key signs is needed, because rpm 4.8 of CentOS 6 checks no other algorithm and no subkey: make one with gpg --quick-generate-key 'NAME <MAIL>' rsa4096 sign never"

// suitable says why a key can't be used, at time now.
func suitable(e *openpgp.Entity, now time.Time) error {
	key := e.PrimaryKey
	bits, err := key.BitLength()
	if err != nil {
		return fmt.Errorf("read the key's length: %w", err)
	}
	name, known := algorithms[key.PubKeyAlgo]
	if !known {
		name = fmt.Sprintf("algorithm %d", key.PubKeyAlgo)
	}
	switch {
	case key.PubKeyAlgo != packet.PubKeyAlgoRSA && key.PubKeyAlgo != packet.PubKeyAlgoRSASignOnly:
		return fmt.Errorf("the primary key is %s: %s", name, remedy)
	case key.Version != 4:
		return fmt.Errorf("the key has version %d: %s", key.Version, remedy)
	case bits < minBits:
		return fmt.Errorf("the RSA key has only %d bits: %s", bits, remedy)
	}
	self, identity := e.PrimarySelfSignature()
	if self == nil || identity == nil {
		return fmt.Errorf("the key has no signed user id: %s", remedy)
	}
	switch end := ended(e, now); {
	case e.Revoked(now):
		return fmt.Errorf("the key %s: %s", end, remedy)
	case end != "":
		return fmt.Errorf("the key %s: prolong it with gpg --quick-set-expire %X 0, or make another: %s", end, key.Fingerprint, remedy)
	}
	if !strong[self.Hash] {
		return fmt.Errorf("the key's signature of itself has the digest %s, which Debian 13 and Red Hat 9 refuse: renew it with gpg --cert-digest-algo SHA256 --quick-set-expire %X 0, and export the key again", self.Hash, key.Fingerprint)
	}
	if self.FlagsValid && !self.FlagSign {
		return fmt.Errorf("the primary key may not sign, only its subkeys may: %s", remedy)
	}
	return nil
}

// strong are the digests that today's apt and rpm take in a key.
var strong = map[crypto.Hash]bool{crypto.SHA256: true, crypto.SHA384: true, crypto.SHA512: true}

// ended says since when a key is no longer valid, and nothing if it is.
func ended(e *openpgp.Entity, now time.Time) string {
	if e.Revoked(now) {
		first := slices.MinFunc(e.Revocations, func(a, b *packet.Signature) int { return a.CreationTime.Compare(b.CreationTime) })
		return "was revoked on " + first.CreationTime.UTC().Format(time.DateOnly)
	}
	if at := expiry(e); !at.IsZero() && !now.Before(at) {
		return "expired on " + at.UTC().Format(time.DateOnly)
	}
	return ""
}

// expiry returns when a key expires; zero means never.
func expiry(e *openpgp.Entity) time.Time {
	self, _ := e.PrimarySelfSignature()
	if self == nil || self.KeyLifetimeSecs == nil || *self.KeyLifetimeSecs == 0 {
		return time.Time{}
	}
	return e.PrimaryKey.CreationTime.Add(time.Duration(*self.KeyLifetimeSecs) * time.Second)
}

// soon is when a key's end must be told: a new one needs some months to reach
// the clients.
const soon = 90 * 24 * time.Hour

// advise prints what is good enough today, but could be better.
func advise(e *openpgp.Entity, now time.Time) {
	if bits, err := e.PrimaryKey.BitLength(); err == nil && bits < goodBits {
		run.Printf("  !! key %s has %d bits: the packages are good for today's systems, %d bits will be longer", fingerprintOf(e), bits, goodBits)
	}
	if at := expiry(e); !at.IsZero() && at.Sub(now) < soon {
		run.Printf("  !! key %s expires on %s, in %d days, and clients then refuse what it signed: prolong it with gpg --quick-set-expire, or give them another in time (docs/releasing.md)",
			fingerprintOf(e), at.UTC().Format(time.DateOnly), int(at.Sub(now).Hours()/24))
	}
}

var algorithms = map[packet.PublicKeyAlgorithm]string{
	packet.PubKeyAlgoDSA:     "DSA",
	packet.PubKeyAlgoElGamal: "ElGamal",
	packet.PubKeyAlgoECDSA:   "ECDSA",
	packet.PubKeyAlgoEdDSA:   "Ed25519 (EdDSA)",
	packet.PubKeyAlgoEd25519: "Ed25519",
	packet.PubKeyAlgoEd448:   "Ed448",
}

// timeOf returns the time that signatures carry: at, or that of the key's
// own signature, whichever is later.
func timeOf(e *openpgp.Entity, at time.Time) time.Time {
	self, _ := e.PrimarySelfSignature()
	for _, t := range []time.Time{e.PrimaryKey.CreationTime, self.CreationTime} {
		if t.After(at) {
			at = t
		}
	}
	return at
}
