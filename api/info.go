package api

import (
	"errors"
	"fmt"
	"strings"
)

// Validate checks that info fits the host's fixed-size fields and can be told
// apart by the host. It returns all that is wrong, joined, or nil. The SDK
// calls it at registration; apitest.Check calls it in the author's tests.
func Validate(info Info) error {
	var problems []error
	refuse := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf(format, args...))
	}
	if !strings.HasPrefix(info.name, "avir_") || len(info.name) == len("avir_") {
		refuse("plugin name %q: begin it with avir_ and a word of your own", info.name)
	}
	if strings.ContainsAny(info.name, "/. ") {
		refuse("plugin name %q: it is a file name without path and extension", info.name)
	}
	checkText(refuse, "plugin name", info.name, MaxName)
	if info.description == "" {
		refuse("plugin description: empty; name the antivirus and the plugin's version")
	}
	checkText(refuse, "plugin description", info.description, MaxDescription)
	if info.ScanTimeout < 0 {
		refuse("scan timeout %v: it must not be negative", info.ScanTimeout)
	}
	seen := map[string]bool{}
	for _, option := range info.options {
		if option.Name == "" {
			refuse("option with the default %q: it has no name, which would end the list", option.Default)
		}
		if key := fold(option.Name); seen[key] {
			refuse("option %q: listed twice; names are compared without case", option.Name)
		} else {
			seen[key] = true
		}
		checkText(refuse, "option name", option.Name, MaxOptionName)
		checkText(refuse, "default of option "+option.Name, option.Default, MaxOptionValue)
	}
	return errors.Join(problems...)
}

func checkText(refuse func(string, ...any), what, s string, limit int) {
	if len(s) > limit {
		refuse("%s %q: %d characters, at most %d fit", what, s, len(s), limit)
	}
	for _, r := range s {
		if r < ' ' || r > '~' {
			refuse("%s %q: only printable ASCII reaches the host", what, s)
			return
		}
	}
}

// fold lowers ASCII letters only: option names are compared without case, and
// no locale or Unicode table may have a say in it.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
