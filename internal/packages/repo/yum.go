package repo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/run"
)

// buildYum makes repodata in dir, whose packages are there already.
func buildYum(ctx context.Context, o Options, dir string, p *pool) error {
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
	path := filepath.Join(dir, repomdFile)
	index, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the new yum index: %w", err)
	}
	list, err := readPrimary(index, func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, name)) })
	if err != nil {
		return err
	}
	if err := p.checkIndexed(rpmFormat, list); err != nil {
		return err
	}
	if err := signRepomd(o.Signer, path, index); err != nil {
		return err
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
