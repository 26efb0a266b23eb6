package repo

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/packages/signing"
)

// keyFiles makes two keys, and a ring of changed copies of their public halves.
func keyFiles(t *testing.T, change ...func(*openpgp.Entity)) (secrets [2]string, ring string) {
	t.Helper()
	var public bytes.Buffer
	for i := range secrets {
		secrets[i] = filepath.Join(t.TempDir(), "key")
		_, err := signing.Throwaway(secrets[i], 2048, epoch)
		require.NoError(t, err)
		data, err := os.ReadFile(secrets[i])
		require.NoError(t, err)
		list, err := openpgp.ReadKeyRing(bytes.NewReader(data))
		require.NoError(t, err)
		if i < len(change) && change[i] != nil {
			change[i](list[0])
		}
		require.NoError(t, list[0].Serialize(&public))
	}
	ring = filepath.Join(t.TempDir(), "ring.gpg")
	require.NoError(t, os.WriteFile(ring, public.Bytes(), 0o644))
	return secrets, ring
}

// signers returns the keys that the environment of a publisher names.
func signers(t *testing.T, ring string, secrets ...string) *signing.Keys {
	t.Helper()
	t.Setenv(signing.KeyFileVariable, strings.Join(secrets, ":"))
	t.Setenv(signing.KeyIDVariable, "")
	t.Setenv(signing.KeyringVariable, ring)
	k, err := signing.FromEnvironment(t.Context(), epoch)
	require.NoError(t, err)
	return k
}

func TestWhatAnOlderKeySignedStaysAsLongAsItIsListed(t *testing.T) {
	secrets, ring := keyFiles(t)
	o := Options{Out: filepath.Join(t.TempDir(), "published"), URL: "https://example.org/a", Epoch: epoch, Signer: signers(t, "", secrets[0])}
	o.Packages = build(t, "1.0.0", o.Signer)
	require.NoError(t, Build(t.Context(), o))
	o.Published, o.Named = o.Out, true

	stranger := o
	stranger.Signer = signers(t, "", secrets[1])
	stranger.Packages, stranger.Out = build(t, "1.1.0", stranger.Signer), filepath.Join(t.TempDir(), "repo")
	assert.ErrorContains(t, Build(t.Context(), stranger), "which is none of those that clients shall trust", "of the index")

	o.Signer = signers(t, "", secrets[0], secrets[1])
	o.Packages = build(t, "1.1.0", o.Signer)
	require.NoError(t, Build(t.Context(), o), "both sign the indexes")
	o.Signer = signers(t, ring, secrets[1])
	o.Packages = build(t, "1.2.0", o.Signer)
	require.NoError(t, Build(t.Context(), o), "packages of both keys")
	assert.Equal(t, 2, strings.Count(read(t, o.Out, keyFile), "BEGIN PGP PUBLIC KEY BLOCK"))

	o.Signer = signers(t, "", secrets[1])
	o.Packages = ""
	err := Build(t.Context(), o)
	require.ErrorContains(t, err, "none of those that clients shall trust, has signed ")
	assert.Contains(t, err.Error(), "kerio-connect-avir-clam-1.0.0-1.i686.rpm")
	assert.NotContains(t, err.Error(), "1.2.0-1")
	o.Without = []packages.Version{version(t, "1.0.0"), version(t, "1.1.0")}
	require.NoError(t, Build(t.Context(), o))
	assert.Equal(t, "1.2.0 1.2.0-1", versionsIn(t, o.Out, Stable))
	assert.Equal(t, 1, strings.Count(read(t, o.Out, keyFile), "BEGIN PGP PUBLIC KEY BLOCK"))
}

func TestWhatAKeySignedThatIsNoLongerValidIsRefusedWithTheDate(t *testing.T) {
	revoke := func(e *openpgp.Entity) {
		require.NoError(t, e.RevokeKey(packet.KeySuperseded, "test", &packet.Config{Time: func() time.Time { return epoch.Add(48 * time.Hour) }}))
	}
	expire := func(e *openpgp.Entity) {
		seconds := uint32(72 * 60 * 60)
		for _, id := range e.Identities {
			id.SelfSignature.KeyLifetimeSecs = &seconds
			require.NoError(t, id.SelfSignature.SignUserId(id.UserId.Id, e.PrimaryKey, e.PrivateKey, nil))
		}
	}
	for want, change := range map[string]func(*openpgp.Entity){"which was revoked on 2023-11-16": revoke, "which expired on 2023-11-17": expire} {
		secrets, ring := keyFiles(t, change)
		o := Options{Out: filepath.Join(t.TempDir(), "published"), URL: "https://example.org/a", Epoch: epoch, Signer: signers(t, "", secrets[0])}
		o.Packages = build(t, "1.0.0", o.Signer)
		require.NoError(t, Build(t.Context(), o))

		fresh := o
		fresh.Signer, fresh.Out = signers(t, ring, secrets[1]), filepath.Join(t.TempDir(), "repo")
		err := Build(t.Context(), fresh)
		require.ErrorContains(t, err, want, "its packages")
		assert.Contains(t, err.Error(), "has signed avirkit-tools-1.0.0-1.i686.rpm, ")
		fresh.Packages, fresh.Published, fresh.Named = build(t, "1.1.0", fresh.Signer), o.Out, true
		err = Build(t.Context(), fresh)
		require.ErrorContains(t, err, want, "its index")
		assert.Contains(t, err.Error(), "InRelease: it is not signed by a key that clients trust")
		assert.NoDirExists(t, fresh.Out)
	}
}
