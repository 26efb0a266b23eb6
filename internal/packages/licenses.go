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
	text, err := d.copyright(id)
	if err != nil {
		return nil, err
	}
	terms := map[string]string{
		"stdlib":                             d.License,
		"github.com/avirkit/avirkit/api":     d.License,
		"github.com/avirkit/avirkit/plugins": d.License,
	}
	for _, m := range linked.FindAllStringSubmatch(text, -1) {
		terms[m[1]] = m[2]
	}
	return terms, nil
}

// copyright returns what a folder of packaging/ says of the copyright of what
// is linked in, and nothing where it has no such file.
func (d *Data) copyright(folder string) (string, error) {
	text, err := os.ReadFile(filepath.Join(d.dir, folder, "copyright"))
	if err != nil && !os.IsNotExist(err) {
		return "", fmt.Errorf("read the copyright of what is linked in: %w", err)
	}
	return string(text), nil
}
