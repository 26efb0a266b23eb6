package packages

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// A stanza about something that is linked into the library begins like
// "Files: MODULE, linked into the library" or "… into avirctl".
var linked = regexp.MustCompile(`(?m)^Files: ([^\s,]+), linked into (?:the library|avirctl)\n(?:Copyright: .*\n)(?: .*\n)*License: (\S+)$`)

// Licenses returns the licences of the Go modules in the library of the plugin
// with this id, or for "tools" in avirctl, by module path: those that the
// copyright file of packaging/id names, and the packages' own for this repository's and Go's.
func Licenses(d *Data, id string) (map[string]string, error) {
	text, err := os.ReadFile(filepath.Join(d.dir, id, "copyright"))
	if err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("read the plugin's copyright: %w", err)
	}
	terms := map[string]string{
		"stdlib":                             d.License,
		"github.com/avirkit/avirkit/api":     d.License,
		"github.com/avirkit/avirkit/plugins": d.License,
	}
	for _, m := range linked.FindAllStringSubmatch(string(text), -1) {
		terms[m[1]] = m[2]
	}
	return terms, nil
}
