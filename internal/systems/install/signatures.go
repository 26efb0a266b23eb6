package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/run"
)

// keyrings makes a home in which rpm knows the repository's key.
func (k *kit) keyrings(ctx context.Context) (home string, err error) {
	home = filepath.Join(k.dir, "home")
	if err := atomicdir.WriteFile(filepath.Join(home, ".rpmmacros"), []byte("%_dbpath "+filepath.Join(home, "rpmdb")+"\n"), 0o644); err != nil {
		return "", err
	}
	_, err = run.Command{
		Name: "rpm", Args: []string{"--import", filepath.Join(k.dir, "good", "avirkit.asc")}, Env: []string{"HOME=" + home},
	}.Run(ctx)
	return home, err
}

// signatures checks each RPM package with rpm and each index with gpgv, and
// that neither takes a changed copy.
func (k *kit) signatures(ctx context.Context, home string) error {
	good := filepath.Join(k.dir, "good")
	rpms, err := filepath.Glob(filepath.Join(good, "yum", "*", "*.rpm"))
	if err != nil {
		return err
	}
	if len(rpms) <= len(platform.All)*len(k.packages(platform.All[0])) {
		return fmt.Errorf("the repository has %d RPM packages, not those of two versions", len(rpms))
	}
	for _, path := range rpms {
		if err := k.flipped(path, func(file string) error {
			_, err := run.Command{
				Name: "rpm", Args: []string{"-K", "--define", "_pkgverify_level all", file}, Env: []string{"HOME=" + home},
			}.Run(ctx)
			return err
		}); err != nil {
			return err
		}
	}
	suite := filepath.Join(good, "apt", "dists", "stable")
	repomd := filepath.Join(good, "yum", "repodata", "repomd.xml")
	for signed, args := range map[string][]string{
		filepath.Join(suite, "Release"):   {filepath.Join(suite, "Release.gpg")},
		filepath.Join(suite, "InRelease"): nil,
		repomd:                            {repomd + ".asc"},
	} {
		err := k.flipped(signed, func(file string) error {
			all := append([]string{"--keyring", filepath.Join(good, "avirkit.gpg")}, append(args, file)...)
			_, err := run.Command{Name: "gpgv", Args: all}.Run(ctx)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// flipped runs check on a file, which must be good, and on copies with one
// bit flipped at the first, the second and the third quarter, which must not.
func (k *kit) flipped(path string, check func(file string) error) error {
	if err := check(path); err != nil {
		return fmt.Errorf("%s is not good: %w", filepath.Base(path), err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read a signed file: %w", err)
	}
	for quarter := 1; quarter <= 3; quarter++ {
		copied := append([]byte(nil), data...)
		copied[len(copied)*quarter/4] ^= 1
		file := filepath.Join(k.dir, "flipped", filepath.Base(path))
		if err := atomicdir.WriteFile(file, copied, 0o644); err != nil {
			return err
		}
		if check(file) == nil {
			return errors.New(filepath.Base(path) + " is still good after a bit was flipped")
		}
	}
	return nil
}
