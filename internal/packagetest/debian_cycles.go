package packagetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// ours are the paths that a Debian package adds to a system: the library and
// its documents, with their folders.
func (r debianRoot) ours(ctx context.Context, p pkg) ([]string, error) {
	list, err := r.dpkg(ctx, "-L", p.name)
	if err != nil {
		return nil, err
	}
	if strings.Contains(list, p.product.Plugins+"\n") {
		return nil, fmt.Errorf("%s lists the product's folder %s", p.name, p.product.Plugins)
	}
	var paths []string
	for path := range strings.Lines(list) {
		path = strings.TrimSpace(path)
		if strings.Contains(path, p.name) || path == p.library() {
			paths = append(paths, path)
		}
	}
	return paths, nil
}

// withoutProduct: apt installs the newest version by name where the product
// is not installed; purge leaves the system as it was.
func (r debianRoot) withoutProduct(ctx context.Context, p pkg) error {
	if err := r.use(ctx, "good"); err != nil {
		return err
	}
	if _, err := r.update(ctx); err != nil {
		return err
	}
	before, err := take(r.dir)
	if err != nil {
		return err
	}
	out, err := r.apt(ctx, "install", p.name)
	if err != nil {
		return err
	}
	if !strings.Contains(out, "administration console") {
		return fmt.Errorf("the first install doesn't print what to do next:\n%s", out)
	}
	if err := p.installed(r.root, r.k.current); err != nil {
		return err
	}
	if err := r.verify(ctx, p); err != nil {
		return err
	}
	if err := r.k.scan(ctx, r.root, p); err != nil {
		return err
	}
	paths, err := r.ours(ctx, p)
	if err != nil {
		return err
	}
	made := append(p.product.Directories(), "/var/lib/avirkit", "/var/lib/avirkit/"+p.name+".dirs")
	if err := unchanged(r.dir, before, append(paths, made...)...); err != nil {
		return fmt.Errorf("after the install: %w", err)
	}
	if _, err := r.apt(ctx, "purge", p.name); err != nil {
		return err
	}
	if err := unchanged(r.dir, before); err != nil {
		return fmt.Errorf("after the purge: %w", err)
	}
	return nil
}

// verify checks the installed files against the package's digests.
func (r debianRoot) verify(ctx context.Context, p pkg) error {
	out, err := r.dpkg(ctx, "--verify", p.name)
	if err == nil && out != "" {
		err = fmt.Errorf("dpkg --verify %s finds:\n%s", p.name, out)
	}
	return err
}

// withProduct: an old version in the product's tree, upgraded by apt while a
// host runs, reinstalled, downgraded, upgraded by dpkg, removed, purged.
func (r debianRoot) withProduct(ctx context.Context, p pkg) (err error) {
	if err := makeProducts(r.root); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, removeProducts(r.root)) }()
	before, err := take(r.dir)
	if err != nil {
		return err
	}
	old, current := r.k.old, r.k.current
	if err := r.traced(ctx, p, old, "preinst install", "postinst configure"); err != nil {
		return err
	}
	if err := r.k.scan(ctx, r.root, p); err != nil {
		return err
	}
	host, err := r.k.startHost(ctx, r.root, p)
	if err != nil {
		return err
	}
	out, err := r.apt(ctx, "install", p.name)
	if err == nil && strings.Contains(out, "administration console") {
		err = fmt.Errorf("an upgrade prints the first steps:\n%s", out)
	}
	if err != nil {
		host.kill()
		return err
	}
	if err := host.finish(p); err != nil {
		return err
	}
	paths, err := r.ours(ctx, p)
	if err != nil {
		return err
	}
	steady := func(after string, want release) error {
		err := errors.Join(p.installed(r.root, want), r.verify(ctx, p), r.k.scan(ctx, r.root, p), unchanged(r.dir, before, paths...))
		if err != nil {
			return fmt.Errorf("after the %s: %w", after, err)
		}
		return nil
	}
	if err := steady("upgrade", current); err != nil {
		return err
	}
	if _, err := r.apt(ctx, "install", "--reinstall", p.name); err != nil {
		return err
	}
	if err := steady("reinstall", current); err != nil {
		return err
	}
	if _, err := r.apt(ctx, "install", "--allow-downgrades", p.name+"="+old.version.Deb()); err != nil {
		return err
	}
	if err := steady("downgrade", old); err != nil {
		return err
	}
	if err := r.traced(ctx, p, current, "preinst upgrade "+old.version.Deb(), "postrm upgrade "+current.version.Deb(), "postinst configure "+old.version.Deb()); err != nil {
		return err
	}
	if err := steady("upgrade by dpkg", current); err != nil {
		return err
	}
	if _, err := r.dpkg(ctx, "--remove", p.name); err != nil {
		return err
	}
	if err := unchanged(r.dir, before); err != nil {
		return fmt.Errorf("after the removal: %w", err)
	}
	if _, err := r.dpkg(ctx, "--purge", p.name); err != nil {
		return err
	}
	if err := unchanged(r.dir, before); err != nil {
		return fmt.Errorf("after the purge: %w", err)
	}
	return nil
}

// traced installs with dpkg and checks which scripts it called with what.
func (r debianRoot) traced(ctx context.Context, p pkg, from release, calls ...string) error {
	c := r.command("dpkg", "-D2", "-i", r.file(from, p))
	// dpkg writes its trace to standard error, which run.Command keeps.
	cmd := exec.CommandContext(ctx, c.Name, c.Args...)
	cmd.Env = append(os.Environ(), c.Env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", c, err, out)
	}
	var called []string
	for line := range strings.Lines(string(out)) {
		// D000002: fork/exec /var/lib/dpkg/info/NAME.postinst ( configure 1.0 )
		if _, call, ok := strings.Cut(line, "fork/exec "); ok {
			path, args, _ := strings.Cut(call, " (")
			script := path[strings.LastIndexAny(path, "./")+1:]
			called = append(called, strings.TrimSpace(script+" "+strings.Trim(args, " )\n")))
		}
	}
	for _, want := range calls {
		if !slices.ContainsFunc(called, func(s string) bool { return s == want || strings.HasPrefix(s, want+" ") }) {
			return fmt.Errorf("dpkg -i %s called %q, not %q", r.file(from, p), called, want)
		}
	}
	return nil
}

// mishaps: a script that fails on the first install and on an upgrade, and an
// install without standard input and output.
func (r debianRoot) mishaps(ctx context.Context, p pkg) error {
	before, err := take(r.dir)
	if err != nil {
		return err
	}
	if _, err := r.dpkg(ctx, "-i", r.file(r.k.failing, p)); err == nil {
		return errors.New("dpkg installed a package whose script fails")
	}
	if _, err := r.dpkg(ctx, "--purge", p.name); err != nil {
		return err
	}
	if err := unchanged(r.dir, before); err != nil {
		return fmt.Errorf("after a first install that failed: %w", err)
	}
	if _, err := r.run(ctx, "sh", "-c", `exec dpkg -i "$1" <&- >&-`, "sh", r.file(r.k.current, p)); err != nil {
		return fmt.Errorf("install without standard input and output: %w", err)
	}
	if _, err := r.dpkg(ctx, "-i", r.file(r.k.failing, p)); err == nil {
		return errors.New("dpkg upgraded to a package whose script fails")
	}
	if err := errors.Join(p.installed(r.root, r.k.current), r.verify(ctx, p), r.k.scan(ctx, r.root, p)); err != nil {
		return fmt.Errorf("after an upgrade that failed: %w", err)
	}
	if _, err := r.dpkg(ctx, "--purge", p.name); err != nil {
		return err
	}
	return unchanged(r.dir, before)
}

// beside: all packages at once, without the product; each goes without harm
// to the others, and the last takes the folders along.
func (r debianRoot) beside(ctx context.Context, all []pkg) error {
	before, err := take(r.dir)
	if err != nil {
		return err
	}
	files := []string{"-i"}
	for _, p := range all {
		files = append(files, r.file(r.k.current, p))
	}
	if _, err := r.dpkg(ctx, files...); err != nil {
		return err
	}
	for i := range all {
		for _, left := range all[i:] {
			if err := errors.Join(r.verify(ctx, left), r.k.scan(ctx, r.root, left)); err != nil {
				return fmt.Errorf("%s, after %d of %d are gone: %w", left.name, i, len(all), err)
			}
		}
		if _, err := r.dpkg(ctx, "--purge", all[i].name); err != nil {
			return err
		}
	}
	return unchanged(r.dir, before)
}

// refusals: apt refuses what the repository's owner did not sign.
func (r debianRoot) refusals(ctx context.Context, p pkg) error {
	before, err := take(r.dir)
	if err != nil {
		return err
	}
	// The stranger's repository, with the key of ours.
	if err := r.use(ctx, "good"); err != nil {
		return err
	}
	if err := r.redirect("good", "stranger"); err != nil {
		return err
	}
	if out, err := r.update(ctx); err == nil {
		return fmt.Errorf("apt-get update takes a repository that another key signed:\n%s", out)
	}
	if err := r.use(ctx, "tampered-index"); err != nil {
		return err
	}
	if out, err := r.update(ctx); err == nil {
		return fmt.Errorf("apt-get update takes a changed index:\n%s", out)
	}
	if _, err := r.apt(ctx, "install", p.name); err == nil {
		return errors.New("apt-get install takes a package from a changed index")
	}
	if err := r.use(ctx, "tampered-package"); err != nil {
		return err
	}
	if _, err := r.update(ctx); err != nil {
		return fmt.Errorf("the index of the changed packages is good: %w", err)
	}
	_, err = r.apt(ctx, "install", p.name)
	if err == nil {
		return errors.New("apt-get install takes a changed package")
	}
	if !strings.Contains(err.Error(), "Hash Sum mismatch") {
		return fmt.Errorf("apt-get install refuses the changed package for another reason: %w", err)
	}
	return unchanged(r.dir, before)
}

// redirect changes the place in apt's sources and leaves the key.
func (r debianRoot) redirect(from, to string) error {
	name := "etc/apt/sources.list.d/avirkit.sources"
	if r.old {
		name = "etc/apt/sources.list.d/avirkit.list"
	}
	return edit(r.path(name), func(data []byte) ([]byte, error) {
		return []byte(strings.ReplaceAll(string(data), r.k.url+"/"+from+"/", r.k.url+"/"+to+"/")), nil
	})
}

// foreign: the i386 package says itself that it is not for this system.
func (r debianRoot) foreign(ctx context.Context, p pkg) error {
	name := p.deb(r.k.current.version, "i386")
	data, err := os.ReadFile(r.k.current.dir + "/" + name)
	if err != nil {
		return err
	}
	if err := os.WriteFile(r.path(bench+"/"+name), data, 0o644); err != nil {
		return err
	}
	_, err = r.dpkg(ctx, "-i", bench+"/"+name)
	if err == nil || !strings.Contains(err.Error(), "does not match system") {
		return fmt.Errorf("dpkg takes the i386 package on a system without that architecture: %v", err)
	}
	return nil
}
