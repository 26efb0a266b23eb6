package clamd

import (
	"errors"
	"fmt"
	"strings"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/wire"
)

// finding is what a reply says of a file.
type finding int

const (
	clean     finding = iota // scanned to the end, nothing found
	virus                    // the reply's text is its name
	overLimit                // a limit of clamd stopped the scan
	encrypted                // clamd could not look inside
	broken                   // corrupted, so that clamd could not look inside
	failed                   // clamd did not scan it
)

// unofficial ends the names of third parties' signatures.
const unofficial = ".UNOFFICIAL"

// notScanned are the beginnings of the names by which clamd says that it could
// not check a file. Those without "Heuristics." are of old versions.
// Heuristics.Zip.OverlappingFiles is a virus: it is a known kind of attack.
var notScanned = []struct {
	prefix  string
	finding finding
}{
	{"Heuristics.Limits.Exceeded", overLimit},
	{"Heuristics.Encrypted.", encrypted},
	{"Encrypted.", encrypted},
	{"Heuristics.Broken.", broken},
	{"Broken.", broken},
	{"(null)", broken},
}

// meaning tells a virus from what clamd could not check.
func meaning(r wire.Reply) finding {
	switch r.Kind {
	case wire.Clean:
		return clean
	case wire.OverLimit:
		return overLimit
	case wire.Found:
		if strings.HasSuffix(r.Text, unofficial) {
			return virus // a third party's signature, whatever it begins with
		}
		for _, n := range notScanned {
			if strings.HasPrefix(r.Text, n.prefix) {
				return n.finding
			}
		}
		return virus
	}
	return failed
}

// NameRule is the administrator's verdict for what clamd calls by names that
// fit a pattern: * is any text, ? any character.
type NameRule struct {
	Pattern string
	Verdict api.Verdict
}

// nameVerdicts are the words of ParseNames.
var nameVerdicts = map[string]api.Verdict{
	"virus":      api.VirusFound,
	"impossible": api.Impossible,
	"failed":     api.Failed,
	"ok":         api.OK,
}

// ParseNames reads "PATTERN=VERDICT, …". It returns the rules that it
// understood, and an error that names each of the others.
func ParseNames(list string) (rules []NameRule, err error) {
	var errs []error
	for _, entry := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ';' }) {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		i := strings.LastIndexByte(entry, '=')
		pattern, word := strings.TrimSpace(entry[:max(i, 0)]), strings.ToLower(strings.TrimSpace(entry[i+1:]))
		verdict, known := nameVerdicts[word]
		switch {
		case i < 0:
			errs = append(errs, fmt.Errorf("%q is not PATTERN=VERDICT", entry))
		case pattern == "":
			errs = append(errs, fmt.Errorf("%q has no pattern before the =", entry))
		case !known:
			errs = append(errs, fmt.Errorf("%q: the verdict is not virus, impossible, failed or ok", entry))
		default:
			rules = append(rules, NameRule{pattern, verdict})
		}
	}
	return rules, errors.Join(errs...)
}

// fits tells whether a name fits the pattern, with or without the ending of
// third parties' names, and in clamd's own case.
func (n NameRule) fits(name string) bool {
	return matches(n.Pattern, name) || matches(n.Pattern, strings.TrimSuffix(name, unofficial))
}

// matches compares byte by byte. After a mismatch the last * takes one byte
// more, so that no pattern takes longer than its length times the text's.
func matches(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// ruleFor returns the first rule that fits what was found. Nothing makes OK of
// what was not scanned.
func (c *settings) ruleFor(r wire.Reply) (NameRule, bool) {
	if r.Kind != wire.Found {
		return NameRule{}, false
	}
	for _, rule := range c.Names {
		if rule.fits(r.Text) && (rule.Verdict != api.OK || meaning(r) == virus) {
			return rule, true
		}
	}
	return NameRule{}, false
}
