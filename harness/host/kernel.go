package host

import (
	"strconv"
	"strings"
	"syscall"
)

// lastUnfiltered is the kernel before the first that can filter system calls.
const lastUnfiltered = "3.4"

// lacksFilter tells that this kernel can't hide what is newer than the floor,
// and needs not: it has nothing newer itself.
func lacksFilter(release, floor string) bool {
	return atMost(release, lastUnfiltered) && atMost(release, floor)
}

// atMost compares a release such as 2.6.32-754.el6 with a version, as far as
// the version goes: 3.10.0 is at most 3.10.
func atMost(release, version string) bool {
	have := strings.FieldsFunc(release, func(r rune) bool { return r < '0' || r > '9' })
	for i, part := range strings.Split(version, ".") {
		if i >= len(have) {
			return i > 0
		}
		is, err1 := strconv.Atoi(have[i])
		most, err2 := strconv.Atoi(part)
		if err1 != nil || err2 != nil || is > most {
			return false
		}
		if is < most {
			return true
		}
	}
	return true
}

// KernelRelease returns what uname -r prints, or "".
func KernelRelease() string {
	var u syscall.Utsname
	if syscall.Uname(&u) != nil {
		return ""
	}
	var b strings.Builder
	for _, c := range u.Release {
		if c == 0 {
			break
		}
		b.WriteByte(byte(c))
	}
	return b.String()
}
