package platform

import (
	"debug/elf"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// optional are the fields that may be empty.
var optional = map[string]bool{"MisplacedTLS": true, "RPMMark": true, "RunPackages": true}

func TestEveryPlatformSaysAllThatDiffers(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range All {
		v := reflect.ValueOf(*p)
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			assert.True(t, optional[name] || !v.Field(i).IsZero(), "%s: no %s", p, name)
		}
		for what, own := range map[string]string{
			"Name": p.Name, "GOARCH": p.GOARCH, "ZigTarget": p.ZigTarget, "Deb": p.Deb, "RPM": p.RPM,
			"Loader": p.Loader, "ABIList": p.ABIList,
		} {
			assert.False(t, seen[what+own], "two platforms have the %s %s", what, own)
			seen[what+own] = true
		}
		assert.Same(t, p, Of(p.Class, p.Machine))
		assert.Contains(t, p.Glibc().Sonames(), p.LoaderSoname(), "the list of symbols is another platform's")
		assert.Equal(t, p.Class == elf.ELFCLASS64, p.Bits() == 64)
	}
}

func TestAPlatformIsFoundByName(t *testing.T) {
	for list, want := range map[string][]*Platform{
		"linux-386":              All[:1],
		"linux-amd64":            All[1:2],
		"linux-amd64, linux-386": All[:2],
	} {
		found, err := Find(list)
		require.NoError(t, err)
		assert.Equal(t, want, found, list)
	}
	for _, list := range []string{"", "linux-arm", "linux-386,", "386", "linux-AMD64"} {
		_, err := Find(list)
		assert.ErrorContains(t, err, "there are linux-386, linux-amd64", list)
	}
}
