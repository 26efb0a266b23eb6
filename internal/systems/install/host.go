package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/run"
	"github.com/avirkit/avirkit/internal/systems/rootfs"
	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

// bench is the folder in each tree with the hosts and files to scan.
const bench = "/srv/avirkit"

// putHosts copies the hosts and what they are to scan into the tree. It also makes
// the folder of manuals, which only so small a system lacks.
func (k *kit) putHosts(r rootfs.Root) error {
	if err := os.MkdirAll(r.Path("usr/share/man/man8"), 0o755); err != nil {
		return fmt.Errorf("make the folder of manuals: %w", err)
	}
	for _, of := range platform.All {
		if err := atomicdir.CopyFile(r.Path(hostOf(of)), k.hostProgram(of), 0o755); err != nil {
			return err
		}
	}
	for name, data := range map[string][]byte{"eicar.com": testvirus.EICAR(), "clean.exe": bytes.Repeat([]byte("clean "), 16)} {
		if err := atomicdir.WriteFile(r.Path(bench+"/"+name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// hostOf is where the host of a platform lies in a tree.
func hostOf(of *platform.Platform) string { return bench + "/" + of.Name + "/avserver" }

// hostProgram returns the host of a platform, which stands for a product's server.
func (k *kit) hostProgram(of *platform.Platform) string {
	return filepath.Join(k.current.dist, of.Name, "avserver")
}

// hostArgs are the arguments that make the host scan files with the
// installed library.
func (k *kit) hostArgs(product packages.Product, plugin packages.Plugin, files ...string) []string {
	args := []string{"--plugin", product.Plugins + "/" + plugin.Library}
	if plugin.Library == "avir_clam.so" {
		args = append(args, "--set", "Address="+k.clamd.Host, "--set", "Port="+strconv.Itoa(k.clamd.Port))
	}
	return append(append(args, "--"), files...)
}

// scan makes the host load the installed library and find EICAR.
func (k *kit) scan(ctx context.Context, r rootfs.Root, p pkg) error {
	files := []string{bench + "/eicar.com", bench + "/clean.exe"}
	out, err := r.Run(ctx, hostOf(p.of), k.hostArgs(p.product, p.plugin, files...)...)
	if err != nil {
		return err
	}
	return verdicts(out, 1)
}

// verdicts checks that the host found EICAR n times, and each time called the
// other file clean.
func verdicts(out string, n int) error {
	counts := map[string]int{}
	for line := range strings.Lines(out) {
		f := strings.Split(line, "\t")
		if len(f) >= 3 && f[0] == "verdict" {
			counts[f[1]+" "+filepath.Base(strings.TrimSpace(f[2]))]++
		}
	}
	if counts["VIRUS_FOUND eicar.com"] != n || counts["OK clean.exe"] != n || len(counts) != 2 {
		return fmt.Errorf("the host's verdicts are %v: want %d times VIRUS_FOUND for eicar.com and OK for clean.exe\n%s", counts, n, out)
	}
	return nil
}

// runningHost is a host that has loaded the library and has more to scan
// than fits into the pipe which nobody reads yet.
type runningHost struct {
	cmd    *exec.Cmd
	out    io.ReadCloser
	errors bytes.Buffer
	n      int
	inode  string
}

// startHost starts a host and returns when that has loaded p's library.
func (k *kit) startHost(ctx context.Context, r rootfs.Root, p pkg) (*runningHost, error) {
	h := &runningHost{n: 700} // lines of about 75 KB; a pipe holds 64 KiB
	var files []string
	for range h.n {
		files = append(files, bench+"/eicar.com", bench+"/clean.exe")
	}
	h.cmd = run.Command{Name: "chroot", Args: append([]string{r.Dir, hostOf(p.of)}, k.hostArgs(p.product, p.plugin, files...)...)}.Cmd(ctx)
	h.cmd.Stderr = &h.errors
	var err error
	if h.out, err = h.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := h.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the host: %w", err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if h.inode, _, err = h.mapped(p.plugin.Library); err == nil {
			return h, nil
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			h.kill()
			return nil, fmt.Errorf("the host has not loaded the library: %w\n%s", err, h.errors.String())
		}
	}
}

// mapped returns the inode of the library in the host's memory, and whether
// that file has been replaced.
func (h *runningHost) mapped(library string) (inode string, replaced bool, err error) {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", h.cmd.Process.Pid))
	if err != nil {
		return "", false, err
	}
	for line := range strings.Lines(string(maps)) {
		if strings.Contains(line, library) {
			return strings.Fields(line)[4], strings.Contains(line, "(deleted)"), nil
		}
	}
	return "", false, errors.New("not mapped")
}

// finish reads all the verdicts, after an upgrade: the host must still have
// its old library, and give right answers with it.
func (h *runningHost) finish(p pkg) error {
	inode, replaced, err := h.mapped(p.plugin.Library)
	switch {
	case err != nil:
		h.kill()
		return fmt.Errorf("look at the running host: %w\n%s", err, h.errors.String())
	case inode != h.inode || !replaced:
		h.kill()
		return fmt.Errorf("the running host's library has inode %s, replaced: %v; it was %s and must be replaced by another file", inode, replaced, h.inode)
	}
	out, err := io.ReadAll(h.out)
	if err == nil {
		err = h.cmd.Wait()
	}
	if err != nil {
		return fmt.Errorf("the host that ran during the upgrade: %w\n%s", err, h.errors.String())
	}
	return verdicts(string(out), h.n)
}

func (h *runningHost) kill() {
	_ = h.cmd.Process.Kill()
	_ = h.cmd.Wait()
}
