package signing_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/packages/signing"
	"github.com/avirkit/avirkit/internal/run"
)

// plain are keys that several tests use and none changes: to make one takes long.
var plain = sync.OnceValue(func() (list [3]*openpgp.Entity) {
	for i := range list {
		e, err := openpgp.NewEntity("Plain", "", "test@example.org", config())
		if err != nil {
			panic(err)
		}
		list[i] = e
	}
	return list
})

// keys reads the keys as the environment of a publisher names them, and returns
// what was printed.
func keys(t *testing.T, ring string, secrets ...*openpgp.Entity) (*signing.Keys, string, error) {
	t.Helper()
	var paths []string
	for _, e := range secrets {
		paths = append(paths, write(t, e))
	}
	t.Setenv(signing.KeyFileVariable, strings.Join(paths, ":"))
	t.Setenv(signing.KeyIDVariable, "")
	t.Setenv(signing.KeyringVariable, ring)
	var said bytes.Buffer
	before := run.Out
	defer func() { run.Out = before }()
	run.Out = &said
	k, err := signing.FromEnvironment(t.Context(), epoch)
	return k, said.String(), err
}

// ring writes public keys into one file, each in an armor of its own or all in one.
func ring(t *testing.T, together bool, list ...*openpgp.Entity) string {
	t.Helper()
	var binary, text bytes.Buffer
	for _, e := range list {
		var b bytes.Buffer
		require.NoError(t, e.Serialize(&b))
		binary.Write(b.Bytes())
		if !together {
			text.Write(armored(t, b.Bytes()))
		}
	}
	if together {
		text.Write(armored(t, binary.Bytes()))
	}
	return file(t, text.Bytes())
}

func armored(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
	require.NoError(t, err)
	_, err = w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return append(b.Bytes(), '\n')
}

func public(t *testing.T, list ...*openpgp.Entity) string {
	t.Helper()
	var b bytes.Buffer
	for _, e := range list {
		require.NoError(t, e.Serialize(&b))
	}
	return file(t, b.Bytes())
}

func revoked(t *testing.T, e *openpgp.Entity) *openpgp.Entity {
	t.Helper()
	require.NoError(t, e.RevokeKey(packet.KeySuperseded, "test", &packet.Config{Time: func() time.Time { return epoch }}))
	return e
}

func expiringAt(t *testing.T, at time.Time) *openpgp.Entity {
	t.Helper()
	return entity(t, func(c *packet.Config) { c.KeyLifetimeSecs = uint32(at.Sub(c.Now()).Seconds()) })
}

func TestAClientWithOneOfTwoKeysTakesWhatBothSigned(t *testing.T) {
	old, next := plain()[0], plain()[1]
	k, _, err := keys(t, "", old, next)
	require.NoError(t, err)
	assert.Regexp(t, "^signed by [0-9A-F]{40} and [0-9A-F]{40}$", signing.Describe(k))
	assert.Equal(t, "signed by "+signing.Fingerprint(k), signing.Describe(k.First()), "as an RPM package is")
	data := []byte("- the\nindex\n-----BEGIN PGP SIGNATURE-----\n")
	inline, err := k.Clearsign(data)
	require.NoError(t, err)
	detached, err := signing.DetachArmored(k, data)
	require.NoError(t, err)
	alone, err := k.Detach(data)
	require.NoError(t, err)
	block, err := armor.Decode(bytes.NewReader(detached))
	require.NoError(t, err)
	first, err := packet.Read(block.Body)
	require.NoError(t, err)
	assert.Equal(t, old.PrimaryKey.KeyId, *first.(*packet.Signature).IssuerKeyId, "some clients look at the first signature only")

	gpgv := func(who *openpgp.Entity, files ...string) string {
		// Its exit status tells whether all keys are known, and its lines what apt reads.
		out, _ := exec.Command("gpgv", append([]string{"--status-fd", "1", "--keyring", public(t, who)}, files...)...).Output()
		return string(out)
	}
	for _, who := range []*openpgp.Entity{old, next} {
		assert.Contains(t, gpgv(who, file(t, inline)), "GOODSIG")
		assert.Contains(t, gpgv(who, file(t, detached), file(t, data)), "GOODSIG")
		assert.NotContains(t, gpgv(who, file(t, detached), file(t, data[1:])), "GOODSIG")
	}
	assert.Contains(t, gpgv(old, file(t, alone), file(t, data)), "GOODSIG", "an RPM package takes one signature, which is the first key's")
	assert.NotContains(t, gpgv(next, file(t, alone), file(t, data)), "GOODSIG")

	for _, list := range [][]*openpgp.Entity{{old}, {next}, {next, old}} {
		r, err := signing.ReadRing(public(t, list...))
		require.NoError(t, err)
		text, err := r.Open(inline)
		require.NoError(t, err)
		assert.Equal(t, string(data), string(text))
		assert.NoError(t, r.Check(data, detached))
		assert.Error(t, r.Check(data[1:], detached))
		_, err = r.Open(bytes.Replace(inline, []byte("index"), []byte("Index"), 1))
		assert.Error(t, err)
	}
}

func TestARingIsReadAsGpgAndAsCatWriteIt(t *testing.T) {
	a, b := plain()[0], plain()[1]
	want, err := os.ReadFile(public(t, a, b))
	require.NoError(t, err)
	for _, path := range []string{ring(t, true, a, b), ring(t, false, a, b), public(t, a, b)} {
		k, _, err := keys(t, path, b)
		require.NoError(t, err)
		binary, text, err := k.Public()
		require.NoError(t, err)
		assert.Equal(t, want, binary)
		assert.Equal(t, 2, strings.Count(string(text), "-----BEGIN PGP PUBLIC KEY BLOCK-----"), "rpm takes one key from each armor")
		again, err := signing.ReadRing(file(t, text))
		require.NoError(t, err)
		binary, _, err = again.Public()
		require.NoError(t, err)
		assert.Equal(t, want, binary)
	}
}

func TestARingThatClientsMustNotGetIsRefused(t *testing.T) {
	a, b := plain()[0], plain()[1]
	gone, old := revoked(t, entity(t, nil)), expiringAt(t, time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC))
	open := public(t, a)
	require.NoError(t, os.Chmod(open, 0o646))
	for name, tc := range map[string]struct {
		ring string
		sign *openpgp.Entity
		want string
	}{
		"it lacks the key that signs":            {public(t, a), b, "lacks the signing key"},
		"it holds a secret key":                  {write(t, a), a, "holds the secret half of key"},
		"it holds a key twice":                   {public(t, a, b, a), a, "twice"},
		"the key that signs was revoked":         {public(t, a, gone), withoutRevocation(gone), "was revoked on 2023-11-14: sign with another"},
		"it holds revoked keys only":             {public(t, gone, old), a, "no key that is valid"},
		"it holds a key that old rpm can't read": {public(t, a, entity(t, func(c *packet.Config) { c.Algorithm = packet.PubKeyAlgoEdDSA })), a, "an RSA key of 4096 bits"},
		"it is no key ring":                      {file(t, []byte("no keys")), a, "no OpenPGP key"},
		"everybody can add a key to it":          {open, a, "run chmod o-w"},
		"it is not there":                        {filepath.Join(t.TempDir(), "none"), a, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := keys(t, tc.ring, tc.sign)
			assert.ErrorContains(t, err, tc.want)
		})
	}
}

func withoutRevocation(e *openpgp.Entity) *openpgp.Entity {
	c := *e
	c.Revocations = nil
	return &c
}

func TestARetiredKeyStaysKnownAndIsNotGivenAway(t *testing.T) {
	a, gone, old := plain()[0], revoked(t, entity(t, nil)), expiringAt(t, time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC))
	k, said, err := keys(t, public(t, a, gone, old), a)
	require.NoError(t, err)
	assert.Contains(t, said, "was revoked on 2023-11-14: clients no longer get it")
	assert.Contains(t, said, "expired on 2024-02-03: clients no longer get it")
	binary, _, err := k.Public()
	require.NoError(t, err)
	want, err := os.ReadFile(public(t, a))
	require.NoError(t, err)
	assert.Equal(t, want, binary)

	for who, why := range map[*openpgp.Entity]string{
		withoutRevocation(gone): "which was revoked on 2023-11-14", old: "which expired on 2024-02-03", plain()[1]: "which is none of those",
	} {
		data := []byte("an index")
		var signature bytes.Buffer
		require.NoError(t, openpgp.ArmoredDetachSign(&signature, who, bytes.NewReader(data), &packet.Config{Time: func() time.Time { return epoch }}))
		assert.ErrorContains(t, k.Check(data, signature.Bytes()), why)
	}
}

func TestOfferedKeysAreTodaysAndThoseOfOlderReleases(t *testing.T) {
	a, b := plain()[0], plain()[1]
	gone := revoked(t, entity(t, nil))
	read := func(list ...*openpgp.Entity) []byte {
		data, err := os.ReadFile(ring(t, false, list...))
		require.NoError(t, err)
		return data
	}
	id := func(e *openpgp.Entity) string { return strings.ToUpper(hex.EncodeToString(e.PrimaryKey.Fingerprint)) }

	r, err := signing.Offered("a folder", [][]byte{read(b), read(a, b), read(withoutRevocation(gone)), read(gone)})
	require.NoError(t, err)
	assert.Equal(t, []string{id(b), id(a)}, r.Fingerprints())
	assert.Contains(t, r.Name(gone.PrimaryKey.KeyIdString()), "which was revoked on 2023-11-14", "whichever copy says it")
	_, err = signing.Offered("a folder", [][]byte{read(a), []byte("no keys")})
	assert.ErrorContains(t, err, "a folder: no OpenPGP key")

	r, err = signing.Listed(read(a, gone))
	require.NoError(t, err)
	assert.Equal(t, []string{id(a), id(gone)}, r.Fingerprints(), "the package of then has it")
}

func TestTheEndOfAKeyIsToldThreeMonthsBefore(t *testing.T) {
	const day = 24 * time.Hour
	for in, want := range map[time.Duration]string{89 * day: "in 88 days", 91 * day: "", 3 * day: "in 2 days"} {
		signs, other := expiringAt(t, time.Now().Add(in)), plain()[0]
		for _, ring := range []string{"", public(t, other, signs)} {
			_, said, err := keys(t, ring, signs)
			require.NoError(t, err)
			assert.Equal(t, want != "", strings.Contains(said, "expires on"), said)
			assert.Contains(t, said, want)
		}
		_, said, err := keys(t, public(t, other, signs), other)
		require.NoError(t, err)
		assert.Equal(t, want != "", strings.Contains(said, "expires on"), "a key that only clients have: %s", said)
	}
}

func TestEachKeyHasItsOwnPassphrase(t *testing.T) {
	a, b, c := entity(t, nil), entity(t, nil), plain()[0]
	require.NoError(t, a.EncryptPrivateKeys([]byte("one"), nil))
	require.NoError(t, b.EncryptPrivateKeys([]byte("two"), nil))
	one, two := file(t, []byte("one")), file(t, []byte("two"))
	for phrases, want := range map[string]string{
		one + ":" + two + ":" + one: "", one: "does not open it", one + ":" + two: "names 2 files for 3 keys",
	} {
		t.Setenv(signing.PassphraseFileVariable, phrases)
		_, _, err := keys(t, "", a, b, c)
		if want == "" {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, want)
		}
	}
}
