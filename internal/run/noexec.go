package run

import "golang.org/x/sys/unix"

// NoExec tells whether the file system of a folder is mounted noexec: no
// program starts from there, and no library is loaded.
func NoExec(dir string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(dir, &fs) == nil && fs.Flags&unix.MS_NOEXEC != 0
}
