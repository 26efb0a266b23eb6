package clamd

import (
	"archive/zip"
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheProbeIsAZipThatHoldsEICARAndDoesNotShowIt(t *testing.T) {
	for _, size := range []int64{0, 1 << 20} {
		z := makeZip(plainZip, eicar(), size)
		archive := append([]byte(nil), z.member...)
		archive = append(archive, make([]byte, z.size-int64(len(z.member)+len(z.directory)))...)
		archive = append(archive, z.directory...)
		if size > 0 {
			assert.Len(t, archive, int(size), "it has the size that was asked for")
		}
		assert.NotContains(t, string(archive), string(eicar()[:20]))

		r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
		require.NoError(t, err)
		require.Len(t, r.File, 1)
		f, err := r.File[0].Open()
		require.NoError(t, err)
		content, err := io.ReadAll(f)
		require.NoError(t, err, "the checksum holds too")
		assert.Equal(t, eicar(), content)
	}
}

func TestTheEncryptedProbeSaysThatItIs(t *testing.T) {
	z := makeZip(encryptedZip, eicar(), 0)
	archive := append(z.member, z.directory...)
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	require.NoError(t, err)
	require.Len(t, r.File, 1)
	assert.EqualValues(t, 1, r.File[0].Flags&1)
}
