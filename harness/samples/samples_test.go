package samples

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSamplesHaveTheSizesOfTheReferenceProgram(t *testing.T) {
	sizes := map[string]int{
		"clean.exe": 95, "eicar.com": 68, "eicar.zip": 184, "eicarpwd.zip": 212,
		"empty.file": 0, "huge.file": 15_000_000,
	}
	for _, s := range All() {
		if size, exists := sizes[s.Name]; exists {
			assert.Len(t, s.make(), size, s.Name)
		} else {
			assert.Nil(t, s.make, s.Name)
		}
	}
	assert.Len(t, All(), 7)
}

func TestGenerateWritesTwiceTheSameAndRemovesWhatMustNotExist(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	require.NoError(t, Generate(dir))
	first, err := os.ReadFile(filepath.Join(dir, "huge.file"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, Missing), nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, Eicar), []byte("damaged"), 0o600))

	require.NoError(t, Generate(dir))

	second, err := os.ReadFile(filepath.Join(dir, "huge.file"))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(first, second))
	repaired, err := os.ReadFile(filepath.Join(dir, Eicar))
	require.NoError(t, err)
	assert.Equal(t, eicar(), repaired)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 6, "six samples, no temporary file and no nonexisting.file")
}

func TestGenerateNamesTheFolderItCannotMake(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	assert.ErrorContains(t, Generate(filepath.Join(file, "data")), "choose another with --data")
}

func TestPlainZipHoldsEicar(t *testing.T) {
	data := storedZip(Eicar, eicar(), nil)
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	require.Len(t, r.File, 1)
	f, err := r.File[0].Open()
	require.NoError(t, err)
	inside, err := io.ReadAll(f)
	require.NoError(t, err)
	assert.Equal(t, eicar(), inside)
}

func TestEncryptedZipOpensOnlyWithItsPassword(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "eicarpwd.zip")
	require.NoError(t, os.WriteFile(path, storedZip(Eicar, eicar(), password()), 0o600))

	// Python's zipfile knows the cipher and is on every developer's machine.
	read := func(password string) ([]byte, error) {
		const program = "import sys,zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read('eicar.com', sys.argv[2].encode()))"
		return exec.Command("python3", "-c", program, path, password).Output()
	}
	if _, err := exec.LookPath("python3"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("python3 is missing: apt-get install python3")
		}
		t.Skip("SKIPPED: the encrypted zip was not checked by another program, python3 is missing")
	}
	inside, err := read(string(password()))
	require.NoError(t, err)
	assert.Equal(t, eicar(), inside)
	_, err = read("infected")
	assert.Error(t, err)
}
