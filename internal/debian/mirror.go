package debian

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/run"
)

// MirrorVariable names the Debian mirror to take systems from.
const MirrorVariable = "AVIR_DEBIAN_MIRROR"

// suites are the names that a source line of a Debian system may have; those
// of updates and security hold no whole system.
var suites = []string{
	"bullseye", "bookworm", "trixie", "forky", "sid", "oldoldstable", "oldstable", "stable", "testing", "unstable",
}

// Mirror returns the URL of the Debian mirror that MirrorVariable names, or
// of the one that this machine's own apt uses.
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
		out, err := exec.CommandContext(ctx, "apt-get", "indextargets",
			"--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)", "Created-By: Packages").Output()
		if err != nil {
			return "", fmt.Errorf("ask apt for its mirrors: %w; set %s to the URL of a Debian mirror", err, MirrorVariable)
		}
		if url := debianURL(string(out)); url != "" {
			return url, nil
		}
	}
	return "", errors.New("this machine's apt has no Debian mirror: set " + MirrorVariable + " to the URL of one")
}

// debianURL finds a mirror of Debian in lines of suite, component and URL.
func debianURL(lines string) string {
	for line := range strings.Lines(lines) {
		f := strings.Fields(line)
		if len(f) == 3 && slices.Contains(suites, f[0]) && f[1] == "main" {
			return strings.TrimRight(f[2], "/")
		}
	}
	return ""
}
