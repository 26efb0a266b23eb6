// Package clamdconf reads clamd.conf and knows what it must say so that an OK
// of clamd means that the file was scanned.
package clamdconf

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

// Places are where distributions keep clamd.conf.
var Places = []string{
	"/etc/clamav/clamd.conf", // Debian
	"/etc/clamd.d/scan.conf", // Red Hat
	"/etc/clamd.conf",        // Red Hat before EL7
	"/usr/local/etc/clamd.conf",
	"/etc/clamd.d/*.conf",
}

// Conf is one clamd.conf.
type Conf struct {
	File    string
	Refused string // why clamd would not start with it; "" if nothing is known

	lines []Line
}

// Line is one setting of the file.
type Line struct {
	Number int
	Name   string
	Value  string
}

// Parse reads the text of a clamd.conf. Names of settings are case-sensitive.
func Parse(file string, text []byte) *Conf {
	c := &Conf{File: file}
	for i, line := range strings.Split(string(text), "\n") {
		windows := strings.HasSuffix(line, "\r")
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		if c.Refused == "" {
			c.Refused = refused(file, i+1, windows, name, value)
		}
		c.lines = append(c.lines, Line{i + 1, name, value})
	}
	return c
}

// refused tells what to do about a line for which clamd does not start, or "".
// It knows what can be known without the list of all settings.
func refused(file string, number int, windows bool, name, value string) string {
	_, isSize := size(value)
	isFlag := slices.Contains([]string{"yes", "no", "true", "false", "1", "0"}, strings.ToLower(value))
	switch standard := defaults[name]; {
	case windows:
		return fmt.Sprintf("%s line %d ends as on Windows: sed -i 's/\\r$//' %s", file, number, file)
	case name == "Example":
		return fmt.Sprintf("%s line %d says Example: remove that line", file, number)
	case (standard == "yes" || standard == "no") && !isFlag:
		return fmt.Sprintf("%s line %d says %s %s: it must be yes or no", file, number, name, value)
	case standard != "" && standard[0] <= '9' && standard[0] >= '0' && !isSize:
		return fmt.Sprintf("%s line %d says %s %s: it must be a number, with K, M or G at its end for a size", file, number, name, value)
	}
	return ""
}

// First returns the line that counts for a setting, which is the first one.
func (c *Conf) First(name string) (Line, bool) {
	for _, l := range c.lines {
		if l.Name == name {
			return l, true
		}
	}
	return Line{}, false
}

// Ignored returns the lines of a setting behind the one that counts.
func (c *Conf) Ignored(name string) []Line {
	var found []Line
	for _, l := range c.lines {
		if l.Name == name {
			found = append(found, l)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found[1:]
}

// Value returns what a setting is, given or by default.
func (c *Conf) Value(name string) string {
	if l, ok := c.First(name); ok {
		return l.Value
	}
	return defaults[name]
}

// defaults are clamd's own since 1.0; older ones have smaller sizes.
var defaults = map[string]string{
	"AlertEncrypted": "no", "ArchiveBlockEncrypted": "no", "AlertExceedsMax": "no", "BlockMax": "no", "ScanArchive": "yes", "HeuristicScanPrecedence": "no",
	"MaxFileSize": "100M", "MaxScanSize": "400M", "StreamMaxLength": "100M", "MaxThreads": "10", "MaxQueue": "100",
	"ReadTimeout": "120", "MaxScanTime": "120000", "TemporaryDirectory": "/tmp", "ConcurrentDatabaseReload": "yes",
	"DatabaseDirectory": "/var/lib/clamav",
}

// Addresses are where clamd listens, as the plugin's option Address has them.
func (c *Conf) Addresses() []string {
	var all []string
	if socket := c.Value("LocalSocket"); socket != "" {
		all = append(all, socket)
	}
	if port := c.Value("TCPSocket"); port != "" {
		host := "127.0.0.1"
		if line, ok := c.First("TCPAddr"); ok && net.ParseIP(line.Value) != nil && !net.ParseIP(line.Value).IsUnspecified() {
			host = line.Value
		}
		all = append(all, net.JoinHostPort(host, port))
	}
	return all
}

// Yes tells whether a setting is switched on.
func (c *Conf) Yes(name string) bool {
	switch strings.ToLower(c.Value(name)) {
	case "yes", "true", "1":
		return true
	}
	return false
}

// Number returns a setting that is a size or a count. Sizes may end in K, M or
// G. It returns 0 for what is no number.
func (c *Conf) Number(name string) uint64 { return Size(c.Value(name)) }

// Size reads a number that may end in K, M or G. It returns 0 for what is none.
func Size(text string) uint64 {
	n, _ := size(text)
	return n
}

func size(text string) (n uint64, ok bool) {
	shift := 0
	if n := len(text); n > 0 {
		switch text[n-1] | 0x20 {
		case 'k':
			shift = 10
		case 'm':
			shift = 20
		case 'g':
			shift = 30
		}
		if shift > 0 {
			text = text[:n-1]
		}
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, false
	}
	return min(n, 1<<33) << shift, true // clamd takes the largest for no limit
}
