package packages

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/blakesmith/ar"
)

// dropDirectories removes the directories below prefix from the file list of
// a Debian package. nfpm lists every parent of every file; dpkg removes each
// directory that only this package lists as soon as it is empty, so the
// product would lose an empty folder of plugins, and the system /opt.
func dropDirectories(deb []byte, prefix string) ([]byte, error) {
	var out bytes.Buffer
	from, to := ar.NewReader(bytes.NewReader(deb)), ar.NewWriter(&out)
	if err := to.WriteGlobalHeader(); err != nil {
		return nil, fmt.Errorf("write the archive: %w", err)
	}
	for {
		header, err := from.Next()
		if errors.Is(err, io.EOF) {
			return out.Bytes(), nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the archive: %w", err)
		}
		member, err := io.ReadAll(from)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", header.Name, err)
		}
		if header.Name == "data.tar.gz" {
			if member, err = withoutDirectories(member, prefix); err != nil {
				return nil, fmt.Errorf("rewrite data.tar.gz: %w", err)
			}
		}
		header.Size = int64(len(member))
		if err := to.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("write %s: %w", header.Name, err)
		}
		if _, err := to.Write(member); err != nil {
			return nil, fmt.Errorf("write %s: %w", header.Name, err)
		}
	}
}

func withoutDirectories(tgz []byte, prefix string) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(tgz))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	from, to := tar.NewReader(z), tar.NewWriter(&out)
	for {
		header, err := from.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if header.Typeflag == tar.TypeDir && strings.HasPrefix(header.Name, prefix) {
			continue
		}
		if err := to.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := io.Copy(to, from); err != nil {
			return nil, err
		}
	}
	if err := to.Close(); err != nil {
		return nil, err
	}
	return Gzip(out.Bytes())
}
