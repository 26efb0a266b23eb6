package glibc

import (
	"strings"

	"golang.org/x/mod/semver"
)

// Number returns the number in the name of one of glibc's symbol versions:
// 2.3.4 for GLIBC_2.3.4. Other names, such as GLIBC_PRIVATE, have none.
func Number(version string) (number string, ok bool) {
	number, ok = strings.CutPrefix(version, "GLIBC_")
	return number, ok && semver.IsValid("v"+number)
}

// Newer compares numbers of glibc or of Linux: 2.11 is newer than 2.3.4.
func Newer(number, than string) bool { return semver.Compare("v"+number, "v"+than) > 0 }
