package build

import (
	"context"
	"path/filepath"
)

// cPlugin links a plugin that is written in C and includes avApi.h alone.
func (t *target) cPlugin(ctx context.Context, source, out string) error {
	return t.cc(ctx, filepath.Base(out), []string{"-O2", "-std=c89", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
		"-fPIC", "-shared", "-pthread", "-s", "-Wl,-z,now", "-Wl,-z,nodelete", "-Wl,--version-script=" + t.exportScript(),
		"-I" + filepath.Join(t.Root, "api", "abi"), "-o", out, source})
}
