package signing_test

import (
	"bytes"
	"crypto"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/packages/signing"
)

var epoch = time.Unix(1_700_000_000, 0)

func config() *packet.Config {
	created := epoch.Add(-time.Hour)
	return &packet.Config{RSABits: 2048, DefaultHash: crypto.SHA256, Time: func() time.Time { return created }}
}

// entity makes a key that is older than epoch, of 2048 bits for speed. It has a
// subkey for signatures, too, which rpm 4.8 can't check.
func entity(t *testing.T, change func(*packet.Config)) *openpgp.Entity {
	t.Helper()
	c := config()
	if change != nil {
		change(c)
	}
	e, err := openpgp.NewEntity("Test", "", "test@example.org", c)
	require.NoError(t, err)
	require.NoError(t, e.AddSigningSubkey(c))
	return e
}

// write writes a secret key as gpg --export-secret-keys does.
func write(t *testing.T, e *openpgp.Entity) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, e.SerializePrivateWithoutSigning(&b, nil))
	return file(t, b.Bytes())
}

func file(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}

func TestASignatureIsGoodAndTheSameEachTime(t *testing.T) {
	s, err := signing.FromFile(write(t, entity(t, nil)), "", epoch)
	require.NoError(t, err)
	checkSigner(t, s)
}

// Without a checksum gpg can't find the end of a signature whose length is a
// multiple of 3, as that of a key of 3072 bits is.
func TestASignatureOfGpgsDefaultKeySizeIsGood(t *testing.T) {
	e := entity(t, func(c *packet.Config) { c.RSABits = 3072 })
	s, err := signing.FromFile(write(t, e), "", epoch)
	require.NoError(t, err)
	checkSigner(t, s)
}

// checkSigner has gpgv check what a signer makes, with the primary key alone.
func checkSigner(t *testing.T, s *signing.Keys) {
	t.Helper()
	data := []byte("line one\n- line two \n\nlast")
	require.NotEmpty(t, s.Key().Subkeys, "there is another key that could sign")
	alone := *s.Key()
	alone.Subkeys = nil
	var public bytes.Buffer
	require.NoError(t, alone.Serialize(&public))
	keyring := file(t, public.Bytes())
	gpgv := func(args ...string) error {
		out, err := exec.Command("gpgv", append([]string{"--keyring", keyring}, args...)...).CombinedOutput()
		t.Logf("gpgv: %s", out)
		return err
	}
	for name, sign := range map[string]func([]byte) ([]byte, error){
		"binary":  s.Detach,
		"armored": func(data []byte) ([]byte, error) { return signing.DetachArmored(s, data) },
	} {
		first, err := sign(data)
		require.NoError(t, err)
		second, err := sign(data)
		require.NoError(t, err)
		assert.Equal(t, first, second, name)
		assert.NoError(t, gpgv(file(t, first), file(t, data)), name)
		assert.Error(t, gpgv(file(t, first), file(t, append(data, '!'))), name)
	}
	first, err := s.Clearsign(data)
	require.NoError(t, err)
	second, err := s.Clearsign(data)
	require.NoError(t, err)
	assert.Equal(t, first, second)
	assert.NoError(t, gpgv(file(t, first)))
	assert.Error(t, gpgv(file(t, bytes.Replace(first, []byte("one"), []byte("two"), 1))))

	signature, err := s.Detach(data)
	require.NoError(t, err)
	p, err := packet.Read(bytes.NewReader(signature))
	require.NoError(t, err)
	sig := p.(*packet.Signature)
	assert.Equal(t, 4, sig.Version)
	assert.Equal(t, packet.PubKeyAlgoRSA, sig.PubKeyAlgo)
	assert.Equal(t, crypto.SHA256, sig.Hash)
	assert.Equal(t, s.Key().PrimaryKey.KeyId, *sig.IssuerKeyId, "the primary key signs, not a subkey")
}

func TestAKeyThatOthersMayReadIsRefused(t *testing.T) {
	key, secret := write(t, entity(t, nil)), file(t, []byte("secret"))
	for _, tc := range []struct {
		mode os.FileMode
		good bool
	}{{0o600, true}, {0o400, true}, {0o640, false}, {0o604, false}, {0o620, false}, {0o601, false}} {
		for _, path := range []string{key, secret} {
			require.NoError(t, os.Chmod(path, tc.mode))
			_, err := signing.FromFile(key, secret, epoch)
			if path == secret { // it is read for an encrypted key only
				e := entity(t, nil)
				require.NoError(t, e.EncryptPrivateKeys([]byte("secret"), nil))
				_, err = signing.FromFile(write(t, e), secret, epoch)
			}
			if tc.good {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, "run chmod 600 "+path, "%o", tc.mode)
			}
			require.NoError(t, os.Chmod(path, 0o600))
		}
	}
}

func TestASignatureIsNotOlderThanItsKey(t *testing.T) {
	s, err := signing.FromFile(write(t, entity(t, nil)), "", epoch.Add(-1000*time.Hour))
	require.NoError(t, err)
	checkSigner(t, s)
}

func TestAnUnsuitableKeyIsRefusedWithTheAlgorithmThatIsNeeded(t *testing.T) {
	subkeysOnly := entity(t, nil)
	subkeysOnly.PrivateKey = nil
	revoked := entity(t, nil)
	require.NoError(t, revoked.RevokeKey(packet.KeyCompromised, "test", nil))
	mayNotSign := entity(t, nil)
	for _, id := range mayNotSign.Identities {
		id.SelfSignature.FlagSign = false
		require.NoError(t, id.SelfSignature.SignUserId(id.UserId.Id, mayNotSign.PrimaryKey, mayNotSign.PrivateKey, nil))
	}
	for _, tc := range []struct {
		name string
		key  *openpgp.Entity
		want string
	}{
		{"Ed25519", entity(t, func(c *packet.Config) { c.Algorithm = packet.PubKeyAlgoEdDSA }), "Ed25519 (EdDSA): an RSA key of 4096 bits"},
		{"ECDSA", entity(t, func(c *packet.Config) { c.Algorithm, c.Curve = packet.PubKeyAlgoECDSA, packet.CurveNistP256 }), "ECDSA: an RSA key of 4096 bits"},
		{"a short RSA key", entity(t, func(c *packet.Config) { c.RSABits = 1024 }), "only 1024 bits: an RSA key of 4096 bits"},
		{"an expired key", entity(t, func(c *packet.Config) { c.KeyLifetimeSecs = 60 }), "expired"},
		{"a revoked key", revoked, "revoked"},
		{"a key that may not sign", mayNotSign, "may not sign, only its subkeys may: an RSA key of 4096 bits"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := signing.FromFile(write(t, tc.key), "", epoch)
			require.ErrorContains(t, err, tc.want)
			assert.ErrorContains(t, err, "signing key")
		})
	}
	t.Run("a public key", func(t *testing.T) {
		var b bytes.Buffer
		require.NoError(t, entity(t, nil).Serialize(&b))
		_, err := signing.FromFile(file(t, b.Bytes()), "", epoch)
		assert.ErrorContains(t, err, "only the public key: export the secret one")
	})
	t.Run("no key", func(t *testing.T) {
		_, err := signing.FromFile(file(t, []byte("not a key")), "", epoch)
		assert.ErrorContains(t, err, "no OpenPGP key")
	})
	t.Run("two keys", func(t *testing.T) {
		var b bytes.Buffer
		require.NoError(t, entity(t, nil).SerializePrivateWithoutSigning(&b, nil))
		require.NoError(t, entity(t, nil).SerializePrivateWithoutSigning(&b, nil))
		_, err := signing.FromFile(file(t, b.Bytes()), "", epoch)
		assert.ErrorContains(t, err, "exactly one key")
	})
	t.Run("no file", func(t *testing.T) {
		_, err := signing.FromFile(filepath.Join(t.TempDir(), "none"), "", epoch)
		assert.ErrorContains(t, err, "read the signing key: open ")
	})
}

func TestAnEncryptedKeyIsOpenedWithThePassphraseInAFile(t *testing.T) {
	e := entity(t, nil)
	require.NoError(t, e.EncryptPrivateKeys([]byte("correct horse"), nil))
	key := write(t, e)

	_, err := signing.FromFile(key, "", epoch)
	assert.ErrorContains(t, err, "AVIR_SIGNING_PASSPHRASE_FILE")
	_, err = signing.FromFile(key, file(t, []byte("wrong\n")), epoch)
	assert.ErrorContains(t, err, "does not open it")
	for _, text := range []string{"correct horse", "correct horse\n", "correct horse\r\nmore\r\n"} {
		s, err := signing.FromFile(key, file(t, []byte(text)), epoch)
		require.NoErrorf(t, err, "%q", text)
		checkSigner(t, s)
	}
}

func TestTheEnvironmentNamesTheKey(t *testing.T) {
	key := write(t, entity(t, nil))
	set := func(file, id string) {
		t.Setenv(signing.KeyFileVariable, file)
		t.Setenv(signing.KeyIDVariable, id)
		t.Setenv(signing.PassphraseFileVariable, "")
	}
	set("", "")
	s, err := signing.FromEnvironment(t.Context(), epoch)
	require.NoError(t, err)
	assert.Nil(t, s)
	assert.Contains(t, signing.Describe(s), "unsigned, because neither AVIR_SIGNING_KEY")

	set(key, "")
	s, err = signing.FromEnvironment(t.Context(), epoch)
	require.NoError(t, err)
	assert.Contains(t, signing.Describe(s), signing.Fingerprint(s))

	set(key, "0123456789ABCDEF")
	_, err = signing.FromEnvironment(t.Context(), epoch)
	assert.ErrorContains(t, err, "unset one")

	set("", "--output=/etc/passwd")
	_, err = signing.FromEnvironment(t.Context(), epoch)
	assert.ErrorContains(t, err, "40 hexadecimal digits")
}

// gpgHome gives gpg an empty home for the time of the test.
func gpgHome(t *testing.T) {
	t.Helper()
	// Not t.TempDir: the agent's socket needs a short path.
	home, err := os.MkdirTemp("", "gpg")
	require.NoError(t, err)
	t.Setenv("GNUPGHOME", home)
	t.Cleanup(func() {
		out, err := exec.Command("gpgconf", "--homedir", home, "--kill", "all").CombinedOutput()
		assert.NoErrorf(t, err, "%s", out)
		assert.NoError(t, os.RemoveAll(home))
	})
}

func TestGpgsAgentSignsAsTheFileDoes(t *testing.T) {
	gpgHome(t)
	e := entity(t, nil)
	key := write(t, e)
	out, err := exec.Command("gpg", "--batch", "--import", key).CombinedOutput()
	require.NoErrorf(t, err, "gpg (Debian package gnupg): %s", out)

	fromFile, err := signing.FromFile(key, "", epoch)
	require.NoError(t, err)
	fromAgent, err := signing.FromAgent(t.Context(), signing.Fingerprint(fromFile), "", epoch)
	require.NoError(t, err)
	checkSigner(t, fromAgent)

	_, err = signing.FromAgent(t.Context(), "0123456789ABCDEF0123456789ABCDEF01234567", "", epoch)
	assert.ErrorContains(t, err, "gpg knows no key")
}

func TestGpgsAgentTakesThePassphraseFromTheFile(t *testing.T) {
	gpgHome(t)
	e := entity(t, nil)
	require.NoError(t, e.EncryptPrivateKeys([]byte("correct horse"), nil))
	out, err := exec.Command("gpg", "--batch", "--import", write(t, e)).CombinedOutput()
	require.NoErrorf(t, err, "gpg (Debian package gnupg): %s", out)
	t.Setenv(signing.KeyFileVariable, "")
	t.Setenv(signing.KeyIDVariable, e.PrimaryKey.KeyIdString())

	t.Setenv(signing.PassphraseFileVariable, file(t, []byte("wrong\n")))
	_, err = signing.FromEnvironment(t.Context(), epoch)
	assert.ErrorContains(t, err, "does not open it", "it is tried at once")
	t.Setenv(signing.PassphraseFileVariable, file(t, []byte("correct horse\r\n")))
	s, err := signing.FromEnvironment(t.Context(), epoch)
	require.NoError(t, err)
	signed, err := s.Clearsign([]byte("the text"))
	require.NoError(t, err)
	assert.Contains(t, string(signed), "\n\nthe text\n", "and nothing of the passphrase")
}

func TestAKeyWithoutItsSecretHalfIsRefusedAtOnce(t *testing.T) {
	gpgHome(t)
	var public bytes.Buffer
	e := entity(t, nil)
	require.NoError(t, e.Serialize(&public))
	out, err := exec.Command("gpg", "--batch", "--import", file(t, public.Bytes())).CombinedOutput()
	require.NoErrorf(t, err, "gpg (Debian package gnupg): %s", out)
	_, err = signing.FromAgent(t.Context(), e.PrimaryKey.KeyIdString(), "", epoch)
	assert.ErrorContains(t, err, "gpg has only the public half of the key")
}

func TestAnUnsuitableKeyOfTheAgentIsRefused(t *testing.T) {
	gpgHome(t)
	out, err := exec.Command("gpg", "--batch", "--passphrase", "", "--quick-generate-key", "t@example.org", "ed25519", "sign", "never").CombinedOutput()
	require.NoErrorf(t, err, "gpg (Debian package gnupg): %s", out)
	public, err := exec.Command("gpg", "--export").Output()
	require.NoError(t, err)
	ring, err := openpgp.ReadKeyRing(bytes.NewReader(public))
	require.NoError(t, err)
	_, err = signing.FromAgent(t.Context(), ring[0].PrimaryKey.KeyIdString(), "", epoch)
	assert.ErrorContains(t, err, "Ed25519 (EdDSA): an RSA key of 4096 bits")
}

func TestAKeyThatSignedItselfWithSHA1IsRefusedUntilTheRemedy(t *testing.T) {
	gpgHome(t)
	gpg := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("gpg", append([]string{"--batch", "--quiet", "--passphrase", "", "--pinentry-mode", "loopback"}, args...)...).CombinedOutput()
		require.NoErrorf(t, err, "gpg (Debian package gnupg): %s", out)
		return string(out)
	}
	gpg("--faked-system-time", "1600000000!", "--cert-digest-algo", "SHA1", "--quick-generate-key", "t@example.org", "rsa2048", "sign", "never")
	_, err := signing.FromFile(file(t, []byte(gpg("--export-secret-keys"))), "", epoch)
	require.ErrorContains(t, err, "SHA-1, which Debian 13 and Red Hat 9 refuse")
	_, remedy, found := strings.Cut(err.Error(), "renew it with gpg ")
	require.True(t, found)
	remedy, _, _ = strings.Cut(remedy, ",")

	gpg(strings.Fields(remedy)...)
	_, err = signing.FromFile(file(t, []byte(gpg("--export-secret-keys"))), "", epoch)
	assert.NoError(t, err)
}
