package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

// tellWidth installs p beside a server of the other width. It must say so, and
// how to get the right package, and yet be installed.
func (k *kit) tellWidth(ctx context.Context, m manager, p pkg, before snapshot) error {
	out, err := m.fetch(ctx, p)
	if err != nil {
		return err
	}
	if _, err := mismatch(p, out, firstSteps); err != nil {
		return err
	}
	if err := k.works(ctx, m, p, k.current); err != nil {
		return err
	}
	return k.checkRemoval(ctx, m, p, before)
}

// mismatch returns the command that an install of p has printed in its sentence
// about the widths. Of the other texts it must have printed only this one.
func mismatch(p pkg, out, other string) (command string, err error) {
	middle := fmt.Sprintf("-bit program and cannot load this %d-bit library; to install the %d-bit one, run: ", p.of.Bits(), p.other().of.Bits())
	for line := range strings.Lines(out) {
		said, command, ok := strings.Cut(strings.TrimSpace(line), middle)
		if ok && strings.HasPrefix(said, p.name+": /") && strings.HasSuffix(said, fmt.Sprintf("/avserver is a %d", p.other().of.Bits())) {
			return command, prints(out, other, widthHint)
		}
	}
	return "", fmt.Errorf("the install does not tell of the server's width:\n%s", out)
}

// changeWidth installs p beside a server of the other width and runs the
// command that it prints. Then it gives the product a server of p's width, and goes
// back by the command that a reinstall prints.
func (k *kit) changeWidth(ctx context.Context, m manager, p pkg, before snapshot) error {
	tree, dnf := m.tree(), "usr/bin/dnf"
	defer os.RemoveAll(tree.Path(dnf))
	// The packages name dnf where it is, and yum elsewhere.
	if err := tree.Write(dnf, "", 0o755); err != nil {
		return err
	}
	out, err := m.fetch(ctx, p)
	if err != nil {
		return err
	}
	wide, err := k.follow(ctx, m, p, out, firstSteps)
	if err != nil {
		return err
	}
	if err := errors.Join(os.Remove(tree.Path(dnf)), k.writeServer(tree, p, p.of)); err != nil {
		return err
	}
	if out, err = m.reinstall(ctx, wide); err != nil {
		return err
	}
	if _, err := k.follow(ctx, m, wide, out, upgradeHint); err != nil {
		return err
	}
	if err := k.writeServer(tree, p, p.other().of); err != nil {
		return err
	}
	return k.checkRemoval(ctx, m, p, before)
}

// follow runs the command that an install of p has printed, and returns the
// package of the other width, which must then work.
func (k *kit) follow(ctx context.Context, m manager, p pkg, out, other string) (pkg, error) {
	command, err := mismatch(p, out, other)
	if err != nil {
		return p, err
	}
	if err := m.shell(ctx, command); err != nil {
		return p, err
	}
	if err := k.works(ctx, m, p.other(), k.current); err != nil {
		return p, fmt.Errorf("after %s: %w", command, err)
	}
	return p.other(), nil
}
