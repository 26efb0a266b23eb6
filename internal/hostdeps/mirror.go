package hostdeps

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/avirkit/avirkit/internal/run"
)

// MirrorVariable names the Debian mirror to take systems from.
const MirrorVariable = "AVIR_DEBIAN_MIRROR"

// Mirror returns the URL of the Debian mirror that MirrorVariable names, or
// of the mirror that this machine's own apt uses.
func Mirror(ctx context.Context) (string, error) {
	if url := os.Getenv(MirrorVariable); url != "" {
		return strings.TrimRight(url, "/"), nil
	}
	// apt names only the sources whose lists it has fetched.
	for _, fetch := range []bool{false, os.Geteuid() == 0} {
		if fetch {
			if _, err := (run.Command{Name: "apt-get", Args: []string{"update"}}).Run(ctx); err != nil {
				return "", err
			}
		}
		out, err := run.Command{Name: "apt-get", Args: []string{"indextargets",
			"--format", "$(LABEL) $(COMPONENT) $(RELEASE) $(REPO_URI)", "Created-By: Packages", "Origin: Debian"}}.Run(ctx)
		if err != nil {
			return "", fmt.Errorf("ask apt for its mirrors: %w; set %s to the URL of a Debian mirror", err, MirrorVariable)
		}
		if url := debianURL(out); url != "" {
			return url, nil
		}
	}
	return "", errors.New("this machine's apt has no Debian mirror: set " + MirrorVariable + " to the URL of one")
}

// debianURL finds a mirror of Debian in lines of label, component, release and
// URL. The repositories of updates hold no whole system.
func debianURL(lines string) string {
	for line := range strings.Lines(lines) {
		f := strings.Fields(line)
		if len(f) == 4 && f[0] == "Debian" && f[1] == "main" && !strings.Contains(f[2], "-") {
			return strings.TrimRight(f[3], "/")
		}
	}
	return ""
}
