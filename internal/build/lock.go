package build

import (
	"context"
	"path/filepath"

	"github.com/avirkit/avirkit/internal/run"
)

// LockName is the file in the project's cache that Lock locks.
const LockName = "lock"

// Lock keeps builds of one checkout, and who removes what they made, from each
// other until unlock is called.
func Lock(ctx context.Context, root string) (unlock func(), err error) {
	return run.LockFile(ctx, filepath.Join(root, ".cache", LockName), "another build of this checkout")
}
