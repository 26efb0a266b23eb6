package packages

import (
	"archive/tar"
	"bytes"
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
	members, err := Members(deb)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	to := ar.NewWriter(&out)
	if err := to.WriteGlobalHeader(); err != nil {
		return nil, fmt.Errorf("write the archive: %w", err)
	}
	for _, m := range members {
		if m.Name == "data.tar.gz" {
			if m.Data, err = withoutDirectories(m.Data, prefix); err != nil {
				return nil, fmt.Errorf("rewrite data.tar.gz: %w", err)
			}
		}
		m.Size = int64(len(m.Data))
		err := to.WriteHeader(m.Header)
		if err == nil {
			_, err = to.Write(m.Data)
		}
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", m.Name, err)
		}
	}
	return out.Bytes(), nil
}

func withoutDirectories(tgz []byte, prefix string) ([]byte, error) {
	var out bytes.Buffer
	to := tar.NewWriter(&out)
	err := EachFile(tgz, func(h *tar.Header, content io.Reader) error {
		if h.Typeflag == tar.TypeDir && strings.HasPrefix(h.Name, prefix) {
			return nil
		}
		err := to.WriteHeader(h)
		if err == nil {
			_, err = io.Copy(to, content)
		}
		return err
	})
	if err == nil {
		err = to.Close()
	}
	if err != nil {
		return nil, err
	}
	return Gzip(out.Bytes())
}
