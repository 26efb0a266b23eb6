package repo

import (
	"compress/gzip"
	"context"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/packages/signing"
	"github.com/avirkit/avirkit/internal/run"
)

// buildYum makes repodata in dir, whose count packages are there already.
func buildYum(ctx context.Context, o Options, dir string, count int) error {
	_, err := run.Command{Name: "createrepo_c", Args: []string{
		"--quiet",
		// What EL6's yum reads: XML without a database, gzip, SHA-256.
		"--no-database",
		"--general-compress-type", "gz",
		"--checksum", "sha256",
		"--revision", strconv.FormatInt(o.Epoch.Unix(), 10),
		"--set-timestamp-to-revision",
		".",
	}, Dir: dir}.Run(ctx)
	if err != nil {
		return err
	}
	if err := checkIndex(dir, count); err != nil {
		return err
	}
	if o.Signer != nil {
		path := filepath.Join(dir, "repodata", "repomd.xml")
		index, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("sign the yum repository: %w", err)
		}
		signature, err := signing.DetachArmored(o.Signer, index)
		if err != nil {
			return err
		}
		if err := atomicdir.WriteFile(path+".asc", signature, 0o644); err != nil {
			return err
		}
	}
	check := 1
	if o.Signer == nil {
		check = 0
	}
	file := fmt.Sprintf(`[avirkit]
name=Antivirus plugins for Kerio Connect and Kerio Control
baseurl=%s/yum
enabled=1
gpgcheck=%d
repo_gpgcheck=%d
gpgkey=%s/avirkit.asc
`, o.URL, check, check, o.URL)
	return atomicdir.WriteFile(filepath.Join(dir, "avirkit.repo"), []byte(file), 0o644)
}

// checkIndex makes sure that all packages are in the index: createrepo_c only
// warns of those that it can't read.
func checkIndex(dir string, count int) error {
	files, err := filepath.Glob(filepath.Join(dir, "repodata", "*-primary.xml.gz"))
	if err != nil || len(files) != 1 {
		return fmt.Errorf("createrepo_c made %d indexes in %s", len(files), dir)
	}
	f, err := os.Open(files[0])
	if err != nil {
		return fmt.Errorf("read the yum index: %w", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("read the yum index: %w", err)
	}
	var index struct {
		Packages int `xml:"packages,attr"`
	}
	if err := xml.NewDecoder(z).Decode(&index); err != nil {
		return fmt.Errorf("read the yum index: %w", err)
	}
	if index.Packages != count {
		return fmt.Errorf("createrepo_c took only %d of %d packages: the others are no RPM packages", index.Packages, count)
	}
	return nil
}
