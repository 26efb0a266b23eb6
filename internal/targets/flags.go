package targets

import (
	"os"
	"strings"

	"github.com/avirkit/avirkit/internal/build/platform"
)

// repeated returns the values of a flag that may be given more than once. Mage
// hands a target the last one, so that the command line is read again.
func repeated(name string, last *string) (values []string) {
	if last == nil {
		return nil
	}
	for _, argument := range os.Args[1:] {
		if value, found := strings.CutPrefix(strings.TrimLeft(argument, "-"), name+"="); found && strings.HasPrefix(argument, "-") {
			values = append(values, value)
		}
	}
	if len(values) == 0 {
		values = []string{*last} // called by another target
	}
	return values
}

// chosenPlatforms are those that the flag -platform names, in lists with
// commas; none without the flag. An empty name is refused: it comes from a
// variable that was not set.
func chosenPlatforms(list *string) ([]*platform.Platform, error) {
	if list == nil {
		return nil, nil
	}
	return platform.Find(strings.Join(repeated("platform", list), ","))
}
