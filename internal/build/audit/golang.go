package audit

import (
	"bytes"
	"debug/buildinfo"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
)

// goBuild judges the Go in a library. Nothing else in the file shows which
// kernel it needs, for that depends on the system calls of Go's runtime.
func (a *audit) goBuild() error {
	functions := a.goFunctions()
	info, err := buildinfo.Read(bytes.NewReader(a.data))
	switch {
	case err == nil:
		a.goSettings(info)
	case functions != nil:
		a.add("go-build", Error, fmt.Sprintf("holds Go code but no build information, so the version of Go can't be told: build it with %s and modules", a.policy.GoVersion))
		return nil
	default:
		a.add("kernel-unknown", Note, fmt.Sprintf("holds no Go; which system calls its C code needs can't be read from the file: load it in the test host with --kernel-floor %s", a.platform.KernelFloor))
		return nil
	}
	if a.platform.MisplacedTLS {
		a.goTLS()
	}
	a.goCalls(functions, info)
	return nil
}

func (a *audit) goSettings(info *debug.BuildInfo) {
	a.Go = &GoBuild{Version: info.GoVersion, Settings: map[string]string{}}
	for _, s := range info.Settings {
		a.Go.Settings[s.Key] = s.Value
	}
	if info.GoVersion != a.policy.GoVersion {
		a.add("go-version", Error, fmt.Sprintf("was built by %s, whose runtime is not known to run on Linux %s: build it with GOTOOLCHAIN=%s", info.GoVersion, a.platform.KernelFloor, a.policy.GoVersion), info.GoVersion)
	}
	var wrong []string
	for _, want := range goSettings(a.platform) {
		if got := a.Go.Settings[want[0]]; got != want[1] {
			wrong = append(wrong, fmt.Sprintf("%s=%s (is %q)", want[0], want[1], got))
		}
	}
	tags := strings.Split(a.Go.Settings["-tags"], ",")
	for _, tag := range goTags {
		if !slices.Contains(tags, tag) {
			wrong = append(wrong, "-tags="+tag)
		}
	}
	a.addIfAny("go-settings", Error, "was not built as a plugin must be: build it with these settings", wrong)
}
