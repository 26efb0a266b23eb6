package install

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// snapshot is what a tree looks like: a line for each file, by path.
type snapshot map[string]string

// volatile are the places where package managers keep their own state.
var volatile = []string{
	"dev", "proc", "root", "run", "srv", "sys", "tmp", "etc/apt", "etc/dnf", "etc/ld.so.cache", "etc/yum.repos.d",
	"usr/lib/sysimage", "var/cache", "var/lib/apt", "var/lib/dnf", "var/lib/dpkg", "var/lib/rpm", "var/log", "var/tmp",
}

// take looks at the tree at dir. Directories are told by owner and mode only;
// their times change whenever a package manager works in them.
func take(dir string) (snapshot, error) {
	s := snapshot{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if slices.Contains(volatile, name) {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		line := fmt.Sprintf("%v %d:%d", info.Mode(), st.Uid, st.Gid)
		if info.Mode().IsRegular() {
			line += fmt.Sprintf(" %d bytes of %s", info.Size(), info.ModTime().UTC())
			if strings.HasPrefix(name, "opt/") { // the product's files and ours
				sum, err := digest(path)
				if err != nil {
					return err
				}
				line += " " + sum
			}
		}
		s["/"+name] = line
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look at the tree %s: %w", dir, err)
	}
	return s, nil
}

// differences returns a line for each difference between two snapshots.
func differences(before, after snapshot) []string {
	var lines []string
	for path, was := range before {
		switch is, there := after[path]; {
		case !there:
			lines = append(lines, "missing: "+path)
		case is != was:
			lines = append(lines, fmt.Sprintf("changed: %s: %s, was %s", path, is, was))
		}
	}
	for path, is := range after {
		if _, there := before[path]; !there {
			lines = append(lines, fmt.Sprintf("new: %s: %s", path, is))
		}
	}
	slices.Sort(lines)
	return lines
}

// unchanged fails unless dir looks as before, but for the new paths.
func unchanged(dir string, before snapshot, news ...string) error {
	after, err := take(dir)
	if err != nil {
		return err
	}
	var missing []string
	for _, path := range news {
		if _, there := after[path]; !there {
			missing = append(missing, "not there: "+path)
		}
		delete(after, path)
	}
	if lines := append(missing, differences(before, after)...); len(lines) > 0 {
		return fmt.Errorf("the system has changed:\n  %s", strings.Join(lines, "\n  "))
	}
	return nil
}
