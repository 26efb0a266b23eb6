package hostdeps

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// holds names what shows that the content of a package is there, where no dpkg
// can tell: a program in PATH, or a file.
var holds = map[string]string{
	"apt-utils":     "apt-ftparchive",
	"binutils":      "objcopy",
	"clamav-daemon": "clamd",
	"clamdscan":     "clamdscan",
	"clang-format":  "clang-format",
	"createrepo-c":  "createrepo_c",
	"mmdebstrap":    "mmdebstrap",
	"dnf":           "dnf",
	"gcc":           "gcc",
	"git":           "git",
	"gnupg":         "gpg",
	"libc6-dev":     "/usr/include/stdio.h",
	"libc6-i386":    "/lib/ld-linux.so.2",
	"lintian":       "lintian",
	"npm":           "npm",
	"rpm":           "rpm",
	"rpmlint":       "rpmlint",
	"unzip":         "unzip",
}

// Has says whether a package is installed or, where there is no dpkg, whether
// what it holds is there.
func Has(ctx context.Context, pkg string) bool {
	missing, err := Missing(ctx, pkg)
	if err == nil {
		return len(missing) == 0
	}
	switch name := holds[pkg]; {
	case pkg == "gcc-multilib":
		// gcc prints the bare name of a file that it doesn't have.
		path, err := exec.CommandContext(ctx, "gcc", "-m32", "-print-file-name=crt1.o").Output()
		return err == nil && filepath.IsAbs(strings.TrimSpace(string(path)))
	case filepath.IsAbs(name):
		_, err := os.Stat(name)
		return err == nil
	case name != "":
		_, err := exec.LookPath(name)
		return err == nil
	}
	return false
}
