package packagetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// MirrorVariable names the Debian mirror to take chroots from.
const MirrorVariable = "AVIR_DEBIAN_MIRROR"

// mirror returns the Debian mirror that this machine's own apt uses.
func mirror(ctx context.Context) (string, error) {
	if url := os.Getenv(MirrorVariable); url != "" {
		return url, nil
	}
	out, err := exec.CommandContext(ctx, "apt-get", "indextargets",
		"--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)", "Created-By: Packages").Output()
	if err != nil {
		return "", fmt.Errorf("ask apt for its mirrors: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) == 3 && slices.Contains(debianSuites, f[0]) && f[1] == "main" {
			return strings.TrimRight(f[2], "/"), nil
		}
	}
	return "", errors.New("this machine's apt has no Debian mirror: set " + MirrorVariable + " to the URL of one")
}

// debianSuites are the names that a source line of a Debian system may have;
// those of updates and security hold no whole system.
var debianSuites = []string{
	"bullseye", "bookworm", "trixie", "forky", "sid", "oldoldstable", "oldstable", "stable", "testing", "unstable",
}
