package repo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/run"
)

// buildYum makes a channel's repodata in dir, whose packages are there already.
func buildYum(ctx context.Context, o Options, c Channel, dir string, p *pool) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { // a channel may be empty
		return fmt.Errorf("make the yum repository: %w", err)
	}
	_, err := run.Command{Name: "createrepo_c", Args: []string{
		"--quiet",
		// What EL6's yum reads: XML without a database, gzip, SHA-256.
		"--no-database",
		"--general-compress-type", "gz",
		"--checksum", "sha256",
		"--revision", strconv.FormatInt(o.Epoch.Unix(), 10),
		"--set-timestamp-to-revision",
		"--repo", string(c),
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
	list, err := readPrimary(index, c, func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, name)) })
	if err != nil {
		return err
	}
	if err := p.checkIndexed(rpmFormat, c, list); err != nil {
		return err
	}
	return signRepomd(o.Signer, path, index)
}

// writeRepo writes the file that an administrator puts into /etc/yum.repos.d.
func writeRepo(o Options, dir string) error {
	check := 1
	if o.Signer == nil {
		check = 0
	}
	var b strings.Builder
	for _, c := range channels {
		id, enabled := "avirkit", 1
		if c != Stable {
			id, enabled = id+"-"+string(c), 0
		}
		fmt.Fprintf(&b, `[%s]
name=Antivirus plugins for Kerio Connect and Kerio Control, %s
baseurl=%s/%s
enabled=%d
gpgcheck=%d
repo_gpgcheck=%d
gpgkey=file://%s
`, id, c, o.URL, c.yum(), enabled, check, check, packages.RPMKeyring)
	}
	return atomicdir.WriteFile(filepath.Join(dir, Stable.yum(), "avirkit.repo"), []byte(b.String()), 0o644)
}
