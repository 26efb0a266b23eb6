package repo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/avirkit/avirkit/internal/run"
)

// buildYum makes a channel's repodata below out, where its packages are already.
func buildYum(ctx context.Context, o Options, c Channel, out string, p *pool) error {
	dir := filepath.Join(out, c.yum())
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
	root, err := os.OpenRoot(out)
	if err != nil {
		return fmt.Errorf("read the new yum index: %w", err)
	}
	defer root.Close()
	v := &Vouched{Dir: root, Files: map[string]string{}, unsigned: true} // it is signed below
	list := v.yum(c)
	if len(v.Wrong) > 0 {
		return v.Wrong[0]
	}
	if err := p.checkIndexed(rpmFormat, c, list); err != nil {
		return err
	}
	return o.Signer.WriteDetached(filepath.Join(dir, repomdFile+".asc"), v.Read(c.yum()+"/"+repomdFile))
}
