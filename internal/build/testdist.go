package build

import "path/filepath"

// TestDist is where the tests keep what the toolchain called name builds; dist
// itself is the user's.
func TestDist(root, name string) string {
	return filepath.Join(root, ".cache", "test", name)
}
