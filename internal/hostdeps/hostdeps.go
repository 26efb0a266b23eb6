// Package hostdeps sees to it that the Debian packages which a target needs are
// there.
package hostdeps

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"

	"github.com/avirkit/avirkit/internal/run"
)

var mu sync.Mutex // apt-get takes one caller at a time

// Missing returns the packages of a list that are not installed, in its order.
// It fails where dpkg does not exist.
func Missing(ctx context.Context, pkgs ...string) ([]string, error) {
	if _, err := exec.LookPath("dpkg-query"); err != nil {
		return nil, errors.New("this is not a Debian-like system (no dpkg-query in PATH)")
	}
	if len(pkgs) == 0 {
		return nil, nil // dpkg-query would list all
	}
	// It prints a line for each architecture of a package that it knows, and
	// fails for those that it does not know.
	out, _ := run.Command{Name: "dpkg-query", Args: append([]string{"-W", "-f", "${Package} ${db:Status-Status}\n"}, pkgs...)}.Run(ctx)
	lines := strings.Split(out, "\n")
	missing := slices.DeleteFunc(slices.Clone(pkgs), func(p string) bool { return slices.Contains(lines, p+" installed") })
	return missing, ctx.Err()
}

// MayInstall says whether Need would install what is missing.
func MayInstall() bool {
	_, err := exec.LookPath("apt-get")
	return err == nil && os.Geteuid() == 0 && os.Getenv("AVIR_NO_INSTALL") != "1"
}

// Need makes sure that pkgs are installed. As root on a Debian-like system it
// prints and runs one apt-get line for what is missing, unless
// AVIR_NO_INSTALL=1; otherwise its error says what to install.
func Need(ctx context.Context, pkgs ...string) error {
	mu.Lock()
	defer mu.Unlock()
	missing, err := Missing(ctx, pkgs...)
	if err != nil {
		missing = slices.DeleteFunc(slices.Clone(pkgs), func(p string) bool { return Has(ctx, p) })
		if len(missing) > 0 {
			return fmt.Errorf("%w: install what these Debian packages hold: %s", err, strings.Join(missing, " "))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	line := "apt-get install -y --no-install-recommends " + strings.Join(missing, " ")
	if os.Getenv("AVIR_NO_INSTALL") == "1" {
		return fmt.Errorf("missing Debian packages, and AVIR_NO_INSTALL=1 forbids to install them; run: %s", line)
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("missing Debian packages; run: sudo %s", line)
	}
	run.Printf("missing Debian packages; running: %s", line)
	return run.Step(ctx, "apt-get", nil, func(ctx context.Context) (string, error) {
		return strings.Join(missing, " "), install(ctx, missing)
	})
}

// install runs apt-get; a list of packages that is old or was never fetched
// is renewed once.
func install(ctx context.Context, pkgs []string) error {
	apt := func(args ...string) error {
		_, err := run.Command{
			Name: "apt-get",
			Args: args,
			Env:  []string{"DEBIAN_FRONTEND=noninteractive"},
			Hint: "check the network and the apt sources, or install these packages by hand: " + strings.Join(pkgs, " "),
		}.Run(ctx)
		return err
	}
	args := append([]string{"install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"}, pkgs...)
	if err := apt(args...); err == nil || ctx.Err() != nil {
		return err
	}
	if err := apt("update"); err != nil {
		return err
	}
	return apt(args...)
}
