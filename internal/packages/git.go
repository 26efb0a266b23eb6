package packages

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/run"
)

// errNoCheckout says that a folder is not the top of a git checkout, as one
// that a source archive was unpacked into.
var errNoCheckout = errors.New("no git checkout")

// Git runs git on the checkout at root and on no other: not on one around it,
// nor on one that the environment names. Nor does the user's configuration
// change what it prints.
func Git(ctx context.Context, root string, args ...string) (string, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	out, err := run.Command{
		Name:  "git",
		Args:  append([]string{"-C", root, "-c", "log.showSignature=false", "-c", "core.quotePath=true"}, args...),
		Env:   []string{"LC_ALL=C", "GIT_CEILING_DIRECTORIES=" + filepath.Dir(root)},
		Unset: []string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"},
		Hint:  "git is in the Debian package git",
	}.Run(ctx)
	if err != nil && strings.Contains(err.Error(), "not a git repository") {
		return "", errNoCheckout
	}
	return out, err
}
