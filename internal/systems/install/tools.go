package install

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/avirkit/avirkit/internal/packages"
)

// avirctl installs the tools by name beside a plugin in the product's tree,
// lets avirctl check scan with it, and removes both.
func (k *kit) avirctl(ctx context.Context, m manager, p pkg, before snapshot) error {
	tools := pkg{name: packages.ToolsName, of: p.of}
	for _, each := range []pkg{tools, p} {
		if _, err := m.fetch(ctx, each); err != nil {
			return err
		}
	}
	if _, err := os.Stat(m.tree().Path("usr/share/man/man8/avirctl.8.gz")); err != nil {
		return fmt.Errorf("look for the manual: %w", err)
	}
	// A warning is right: no server runs, and clamd has no official signatures.
	command := fmt.Sprintf("avirctl --version && { avirctl check --plugin %s --set Address=%s || [ $? -eq 1 ]; }",
		p.library(), net.JoinHostPort(k.clamd.Host, strconv.Itoa(k.clamd.Port)))
	out, err := m.tree().Run(ctx, "sh", "-c", command)
	if err != nil {
		return err
	}
	for _, want := range []string{"avirctl " + k.current.version.String() + "\n", "the test virus in a zip is answered with VIRUS_FOUND", "WARNING: "} {
		if !strings.Contains(out, want) {
			return fmt.Errorf("avirctl doesn't print %q:\n%s", want, out)
		}
	}
	if err := errors.Join(m.verify(ctx, tools), m.remove(ctx, tools), m.purge(ctx, tools)); err != nil {
		return err
	}
	return k.checkRemoval(ctx, m, p, before)
}
