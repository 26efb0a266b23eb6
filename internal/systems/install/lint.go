package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/run"
)

// lintian may find nothing but what the packages' own overrides explain, and
// may not find an override that is not needed.
func (k *kit) lintian(ctx context.Context) error {
	pattern := "*.deb"
	if k.options.Quick {
		pattern = k.packages(platform.All[0])[0].name + "*.deb" // lintian takes seconds for each
	}
	debs, err := filepath.Glob(k.path(pattern))
	if err != nil || len(debs) == 0 {
		return errors.Join(err, errors.New("there are no Debian packages"))
	}
	out, err := run.Command{Name: "lintian", Args: append([]string{
		"--allow-root", "--tag-display-limit", "0", "--display-info", "--fail-on", "error,warning,info",
		"--suppress-tags", "spelling-error-in-binary", // it takes machine code for words
	}, debs...)}.Run(ctx)
	if err == nil && strings.Contains(out, "unused-override") {
		err = fmt.Errorf("lintian finds an override that is not needed:\n%s", out)
	}
	return err
}

// rpmlint may find nothing but what packaging/rpm/rpmlint.toml explains.
func (k *kit) rpmlint(ctx context.Context, home string) error {
	rpms, err := filepath.Glob(k.path("*.rpm"))
	if err != nil || len(rpms) == 0 {
		return errors.Join(err, errors.New("there are no RPM packages"))
	}
	// rpmlint unpacks with cpio, which takes nfpm's absolute paths by their word:
	// as root it would write over this machine's own files.
	cpio := "#!/bin/sh\nPATH=${PATH#*:}\nexec cpio --no-absolute-filenames \"$@\"\n"
	if err := os.WriteFile(filepath.Join(home, "cpio"), []byte(cpio), 0o755); err != nil {
		return err
	}
	out, err := run.Command{
		Name: "rpmlint",
		Args: append([]string{"--config", filepath.Join(k.options.Root, "packaging", "rpm", "rpmlint.toml")}, rpms...),
		Env:  []string{"HOME=" + home, "PATH=" + home + ":" + os.Getenv("PATH")},
	}.Run(ctx)
	if err == nil && !strings.Contains(out, fmt.Sprintf("%d packages and 0 specfiles checked; 0 errors, 0 warnings", len(rpms))) {
		err = fmt.Errorf("rpmlint is not content:\n%s", out)
	}
	return err
}
