package rootfs

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/avirkit/avirkit/internal/run"
)

// productFiles are trees like those of the products, with owners and modes
// that no package would choose. The folder of plugins is empty in one and has
// somebody else's plugin in the other.
var productFiles = []struct {
	path string
	mode int64
	uid  int
	text string // of a file; empty for a folder
}{
	{path: "opt/kerio/", mode: 0o751, uid: 0},
	{path: "opt/kerio/mailserver/", mode: 0o710, uid: 1201},
	{path: "opt/kerio/mailserver/mailserver", mode: 0o750, uid: 1201, text: "the product"},
	{path: "opt/kerio/mailserver/plugin/", mode: 0o755, uid: 1201},
	{path: "opt/kerio/mailserver/plugin/avserver/", mode: 0o711, uid: 1201},
	{path: "opt/kerio/mailserver/plugin/avserver/avirs/", mode: 0o2775, uid: 1201},
	{path: "opt/kerio/winroute/", mode: 0o700, uid: 1202},
	{path: "opt/kerio/winroute/winroute", mode: 0o500, uid: 1202, text: "the product"},
	{path: "opt/kerio/winroute/avirplugins/", mode: 0o750, uid: 1202},
	{path: "opt/kerio/winroute/avirplugins/avir_other.so", mode: 0o640, uid: 1202, text: "another plugin"},
}

// WriteProducts writes the products' trees as a tar file, to be unpacked in /
// by root.
func WriteProducts(to io.Writer) error {
	w := tar.NewWriter(to)
	for _, f := range productFiles {
		h := &tar.Header{Name: f.path, Mode: f.mode, Uid: f.uid, Gid: f.uid, Size: int64(len(f.text)), ModTime: time.Now()}
		if err := w.WriteHeader(h); err != nil {
			return fmt.Errorf("make a product's tree: %w", err)
		}
		if _, err := io.WriteString(w, f.text); err != nil {
			return fmt.Errorf("make a product's tree: %w", err)
		}
	}
	return w.Close()
}

// MakeProducts makes the products' trees in r.
func (r Root) MakeProducts(ctx context.Context) error {
	var b strings.Builder
	if err := WriteProducts(&b); err != nil {
		return err
	}
	_, err := run.Command{Name: "tar", Args: []string{"--numeric-owner", "-xpf", "-", "-C", r.Dir}, Stdin: strings.NewReader(b.String())}.Run(ctx)
	return err
}

// RemoveProducts removes them.
func (r Root) RemoveProducts() error { return os.RemoveAll(r.Path("opt/kerio")) }
