package packagetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/outdir"
)

// debianRoot is a Debian tree with the repository in apt's sources.
type debianRoot struct {
	root
	k    *kit
	arch string
	old  bool // has an apt that can't read a key inside a .sources file
}

// test installs the packages in a chroot of the distribution.
func (d distribution) test(ctx context.Context, k *kit, t *table) error {
	dir := filepath.Join(k.dir, "debian-"+d.number+"-"+d.arch)
	defer os.RemoveAll(dir)
	tree, err := d.make(ctx, filepath.Join(k.options.Root, ".cache", "chroots"), dir)
	if err != nil {
		return err
	}
	r := debianRoot{root: tree, k: k, arch: d.arch, old: d.number == "11"}
	if err := k.putHost(r.root); err != nil {
		return err
	}
	if err := r.putPackages(); err != nil {
		return err
	}
	all := k.packages()
	tested := all
	if k.options.Quick {
		tested = all[:1]
	}
	for _, p := range tested {
		t.do(p.name, "apt install without the product, purge", func() error { return r.withoutProduct(ctx, p) })
		t.do(p.name, "upgrade under a running host, reinstall, downgrade", func() error { return r.withProduct(ctx, p) })
		t.do(p.name, "failing script, closed stdin", func() error { return r.mishaps(ctx, p) })
	}
	t.do("all", "beside each other, removed one by one", func() error { return r.beside(ctx, all) })
	t.do("all", "wrong key, tampered index and package refused", func() error { return r.refusals(ctx, all[0]) })
	if d.arch == "amd64" {
		t.do("all", "i386 package refused on a pure amd64 system", func() error { return r.foreign(ctx, all[0]) })
	}
	return nil
}

// putPackages copies the packages of all releases into the tree, for dpkg.
func (r debianRoot) putPackages() error {
	for _, from := range []release{r.k.old, r.k.current, r.k.failing} {
		for _, p := range r.k.packages() {
			name := p.deb(from.version, r.arch)
			data, err := os.ReadFile(filepath.Join(from.dir, name))
			if err != nil {
				return fmt.Errorf("read a package: %w", err)
			}
			if err := outdir.WriteFile(r.path(r.file(from, p)), data, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// file is where a package lies in the tree.
func (r debianRoot) file(from release, p pkg) string {
	return bench + "/" + p.deb(from.version, r.arch)
}

// apt runs apt-get without questions.
func (r debianRoot) apt(ctx context.Context, args ...string) (string, error) {
	return r.run(ctx, "apt-get", append([]string{"-q", "-y", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=0"}, args...)...)
}

func (r debianRoot) dpkg(ctx context.Context, args ...string) (string, error) {
	return r.run(ctx, "dpkg", args...)
}

// use makes a repository of the kit the only one that apt knows, with the
// files that an administrator of this system copies from it.
func (r debianRoot) use(ctx context.Context, name string) error {
	dir := filepath.Join(r.k.dir, name)
	for _, f := range []string{"sources.list", "sources.list.d", "../../usr/share/keyrings/avirkit.gpg"} {
		if err := os.RemoveAll(r.path("etc/apt/" + f)); err != nil {
			return err
		}
	}
	files := map[string]string{"apt/avirkit.sources": "etc/apt/sources.list.d/avirkit.sources"}
	if r.old {
		files = map[string]string{
			"apt/avirkit.list": "etc/apt/sources.list.d/avirkit.list",
			"avirkit.gpg":      "usr/share/keyrings/avirkit.gpg",
		}
	}
	for from, to := range files {
		data, err := os.ReadFile(filepath.Join(dir, from))
		if err != nil {
			return fmt.Errorf("read the repository's file: %w", err)
		}
		// The changed copies of the good repository name that one's place.
		text := strings.ReplaceAll(string(data), r.k.url+"/good/", r.k.url+"/"+name+"/")
		if err := outdir.WriteFile(r.path(to), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// update lets apt read the repository's index, from nothing.
func (r debianRoot) update(ctx context.Context) (string, error) {
	if err := os.RemoveAll(r.path("var/lib/apt/lists")); err != nil {
		return "", err
	}
	if err := os.RemoveAll(r.path("var/cache/apt")); err != nil {
		return "", err
	}
	if err := os.MkdirAll(r.path("var/cache/apt/archives/partial"), 0o755); err != nil {
		return "", err
	}
	return r.apt(ctx, "update", "--error-on=any")
}
