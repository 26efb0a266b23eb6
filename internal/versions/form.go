package versions

import (
	"fmt"
	"regexp"
)

// A prerelease has exactly one word and one number: with more, dpkg, rpm and
// semver would disagree on the order.
var form = regexp.MustCompile(`^v?((?:0|[1-9]\d{0,5})\.(?:0|[1-9]\d{0,5})\.(?:0|[1-9]\d{0,5}))(?:-((?:alpha|beta|rc)\.(?:0|[1-9]\d{0,5})))?$`)

// Parse reads "1.3.0" or "1.3.0-rc.1", with or without a leading "v".
func Parse(s string) (core, pre string, err error) {
	m := form.FindStringSubmatch(s)
	if m == nil {
		return "", "", fmt.Errorf("%.40q is not a version: it must look like 1.3.0, or like 1.3.0-rc.1 with alpha, beta or rc", s)
	}
	return m[1], m[2], nil
}
