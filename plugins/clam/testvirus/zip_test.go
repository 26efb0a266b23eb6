package testvirus

import (
	"archive/zip"
	"bytes"
	"crypto/md5"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unpack reads an archive with the standard library, checksums included.
func unpack(t *testing.T, archive []byte) (members [][]byte) {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	require.NoError(t, err)
	for _, m := range r.File {
		f, err := m.Open()
		require.NoError(t, err)
		content, err := io.ReadAll(f)
		require.NoError(t, err)
		members = append(members, content)
	}
	return members
}

func TestEICARIsTheStandardTestFile(t *testing.T) {
	assert.Equal(t, "44d88612fea8a8f36de82e1278abb02f", fmt.Sprintf("%x", md5.Sum(EICAR())))
}

func TestTheVirusIsInTheArchiveAndDoesNotShow(t *testing.T) {
	for _, size := range []int64{0, 1 << 20} {
		archive := Plain(size).Bytes()
		if size > 0 {
			assert.Len(t, archive, int(size), "it has the size that was asked for")
		}
		assert.NotContains(t, string(archive), string(EICAR()[:20]))
		assert.Equal(t, [][]byte{EICAR()}, unpack(t, archive))
	}
}

func TestTheVirusComesAfterTheMemberThatNeedsRoom(t *testing.T) {
	for _, unpacked := range []int{1, 258, 259, 260, 5 << 20} {
		archive := Roomy(unpacked).Bytes()
		members := unpack(t, archive)
		require.Len(t, members, 2)
		assert.GreaterOrEqual(t, len(members[0]), unpacked)
		assert.Less(t, len(members[0]), unpacked+258)
		assert.Empty(t, bytes.Trim(members[0], "\x00"))
		assert.Equal(t, EICAR(), members[1])
		assert.Less(t, len(archive), unpacked/100+1000)
	}
}

func TestTheEncryptedArchiveSaysThatItIs(t *testing.T) {
	archive := Encrypted().Bytes()
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	require.NoError(t, err)
	require.Len(t, r.File, 1)
	assert.EqualValues(t, 1, r.File[0].Flags&1)
}

func TestTheNestedArchiveIsDeeperThanAnyScannerLooks(t *testing.T) {
	content, depth := Nested().Bytes(), 0
	for ; content[0] == 'P'; depth++ {
		content = unpack(t, content)[0]
		if bytes.Equal(content, EICAR()) {
			break
		}
	}
	assert.Equal(t, 40, depth)
}
