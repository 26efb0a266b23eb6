package packages

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/blakesmith/ar"
)

// Member is a file in a Debian package, which is an archive of ar's.
type Member struct {
	*ar.Header
	Data []byte
}

// Members reads a Debian package.
func Members(deb []byte) (all []Member, err error) {
	for archive := ar.NewReader(bytes.NewReader(deb)); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the archive: %w", err)
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", h.Name, err)
		}
		all = append(all, Member{h, data})
	}
}

// EachFile calls f with each entry of a compressed tar file.
func EachFile(tgz []byte, f func(h *tar.Header, content io.Reader) error) error {
	z, err := gzip.NewReader(bytes.NewReader(tgz))
	if err != nil {
		return err
	}
	for files := tar.NewReader(z); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = f(h, files)
		}
		if err != nil {
			return err
		}
	}
}

// Gzip does what gzip -9n does.
func Gzip(data []byte) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(data)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	return b.Bytes(), nil
}
