package build

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/mattn/go-shellwords"

	"github.com/avirkit/avirkit/internal/build/platform"
)

// FlagsFile is the file beside a plugin's C or C++ sources that holds further
// arguments for the compiler and the linker, and the sources in subfolders. A
// line holds words as a shell takes them; in front of them can stand what the
// line is for: c:, c++: or a platform's name and a colon. Paths start in the
// plugin's folder.
const FlagsFile = "build.flags"

// A flagLine is one line of a FlagsFile.
type flagLine struct {
	at       string // the file and the line's number
	only     string // a platform's name, or empty for all
	language string // "c:" or "c++:", or empty for both
	words    []string
}

// readFlags reads a FlagsFile; there need not be one.
func readFlags(file string) (lines []flagLine, err error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	number := 0
	for text := range bytes.Lines(text) {
		number++
		l := flagLine{at: fmt.Sprintf("%s:%d", file, number)}
		rest := strings.TrimSpace(strings.TrimPrefix(string(text), "\ufeff"))
		if strings.HasPrefix(rest, "#") {
			continue
		}
		parser := shellwords.NewParser()
		if l.words, err = parser.Parse(rest); err != nil || parser.Position >= 0 {
			return nil, fmt.Errorf("%s: %q is no list of words as a shell takes them: put quotes around a word with quotes, blanks or any of ();&|<>", l.at, rest)
		}
		for len(l.words) > 0 && strings.HasSuffix(l.words[0], ":") {
			if err := l.limit(l.words[0]); err != nil {
				return nil, err
			}
			l.words = l.words[1:]
		}
		if len(l.words) > 0 {
			lines = append(lines, l)
		}
	}
	return lines, err
}

// limit takes a word in front of the line that says what the line is for.
func (l *flagLine) limit(word string) error {
	if word == "c:" || word == "c++:" {
		l.language = word
		return nil
	}
	found, err := platform.Find(strings.TrimSuffix(word, ":"))
	if err != nil || len(found) != 1 {
		return fmt.Errorf("%s: a line can be for c:, for c++: or for one of %s, not for %q", l.at, platform.Names(platform.All), word)
	}
	l.only = found[0].Name
	return nil
}

// cArguments are the words of a FlagsFile for one platform, by who gets them.
type cArguments struct {
	sources    []string // in subfolders; names in the plugin's folder
	preprocess []string // for every source, avCommon.c too
	c, cxx     []string // for the author's sources in one language
	link       []string
}

var (
	takesNext  = regexp.MustCompile(`^-([IDULlTuzx]|include|imacros|isystem|iquote|idirafter|Xlinker|Xclang|-param)$`)
	preprocess = regexp.MustCompile(`^-([DUI]|isystem|iquote|idirafter)`)
	forced     = regexp.MustCompile(`^-(include|imacros)`)
	linking    = regexp.MustCompile(`^-([LlTuz]|Wl,|Xlinker|static-lib|nodefaultlibs|nostdlib)`)
	onlyCXX    = regexp.MustCompile(`^-(std=.*\+\+|f(no-)?rtti$|nostdinc\+\+|stdlib=)`)
	lto        = regexp.MustCompile(`^-f(no-)?(fat-)?lto`)
	onlyC      = regexp.MustCompile(`^-std=`) // of what onlyCXX leaves
)

// arguments sorts the words of a plugin's FlagsFile for a platform.
func (f *cFolder) arguments(p *platform.Platform) (a cArguments, err error) {
	for _, l := range f.flags {
		if l.only != "" && l.only != p.Name {
			continue
		}
		for i := 0; i < len(l.words); i++ {
			words := l.words[i : i+1]
			if takesNext.MatchString(words[0]) && i+1 < len(l.words) {
				i++
				words = l.words[i-1 : i+1]
			}
			if err := a.add(f.dir, l, words); err != nil {
				return a, err
			}
		}
	}
	return a, nil
}

// add sorts one argument, of one word or two.
func (a *cArguments) add(dir string, l flagLine, words []string) error {
	switch word := words[0]; {
	case !strings.HasPrefix(word, "-") && (cNames.MatchString(word) || cxxNames.MatchString(word)):
		// A pattern, in the folder whose own name is none.
		found, err := fs.Glob(os.DirFS(dir), word)
		if err != nil || len(found) == 0 {
			return fmt.Errorf("%s: no source in %s is called %s", l.at, dir, word)
		}
		a.sources = append(a.sources, found...)
	case lto.MatchString(word): // left out: the build reads the objects' machine code
	case !strings.HasPrefix(word, "-"):
		a.link = append(a.link, word)
	case word == "-L" || word == "-l":
		a.link = append(a.link, strings.Join(words, ""))
	case linking.MatchString(word):
		a.link = append(a.link, words...)
	case l.language == "c++:" || onlyCXX.MatchString(word):
		a.cxx = append(a.cxx, words...)
	case l.language == "c:" || onlyC.MatchString(word):
		a.c = append(a.c, words...)
	case preprocess.MatchString(word):
		a.preprocess = append(a.preprocess, words...)
	default:
		a.c, a.cxx = append(a.c, words...), append(a.cxx, words...)
		if !forced.MatchString(word) {
			a.link = append(a.link, words...) // -fopenmp and the like
		}
	}
	return nil
}
