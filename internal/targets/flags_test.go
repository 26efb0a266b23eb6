package targets

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/platform"
)

func TestPlatformsAreThoseOfAllFlagsOnTheCommandLine(t *testing.T) {
	old := os.Args
	t.Cleanup(func() { os.Args = old })
	none, err := chosenPlatforms(nil)
	require.NoError(t, err)
	assert.Nil(t, none)
	for name, c := range map[string]struct {
		flags []string
		want  string // platforms, or the error
	}{
		"one":            {[]string{"-platform=linux-386"}, "linux-386"},
		"twice":          {[]string{"-platform=linux-386", "--platform=linux-amd64"}, "linux-386, linux-amd64"},
		"a list":         {[]string{"-platform=linux-amd64,linux-386"}, "linux-386, linux-amd64"},
		"empty":          {[]string{"-platform="}, `unknown platform ""`},
		"second unknown": {[]string{"-platform=linux-386", "-platform=arm64"}, `unknown platform "arm64"`},
		"first unknown":  {[]string{"-platform=arm64", "-platform=linux-386"}, `unknown platform "arm64"`},
	} {
		t.Run(name, func(t *testing.T) {
			os.Args = append([]string{"targets", "build"}, c.flags...)
			last := os.Args[len(os.Args)-1]
			_, last, _ = strings.Cut(last, "=") // as mage hands it over
			found, err := chosenPlatforms(&last)
			if err != nil {
				assert.ErrorContains(t, err, c.want)
				return
			}
			assert.Equal(t, c.want, platform.Names(found))
		})
	}
}

func TestAnEmptyMachineIsNotAllOfThem(t *testing.T) {
	var empty string
	assert.ErrorContains(t, TestVM(t.Context(), &empty, nil, nil), "names no machine")
}
