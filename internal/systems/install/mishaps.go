package install

import (
	"context"
	"errors"
	"fmt"
)

// mishaps lets a script fail on the first install and on an upgrade, and
// installs without standard input and output.
func (k *kit) mishaps(ctx context.Context, m manager, p pkg, before snapshot) error {
	if err := k.failedInstall(ctx, m, p, before); err != nil {
		return err
	}
	if err := m.installWithoutStdio(ctx, k.current, p); err != nil {
		return fmt.Errorf("install without standard input and output: %w", err)
	}
	if err := k.fails(ctx, m, p); err != nil {
		return err
	}
	if err := k.works(ctx, m, p, k.current); err != nil {
		return fmt.Errorf("after an upgrade that failed: %w", err)
	}
	return k.checkRemoval(ctx, m, p, before)
}

// fails installs or upgrades to a package whose script fails.
func (k *kit) fails(ctx context.Context, m manager, p pkg) error {
	if _, err := m.install(ctx, k.failing, p); err == nil {
		return errors.New("a package whose script fails was installed")
	}
	return nil
}

// failedInstall lets the first install fail, which must change nothing.
func (k *kit) failedInstall(ctx context.Context, m manager, p pkg, before snapshot) error {
	if err := errors.Join(k.fails(ctx, m, p), m.purge(ctx, p), unchanged(m.tree().Dir, before)); err != nil {
		return fmt.Errorf("after a first install that failed: %w", err)
	}
	return nil
}
