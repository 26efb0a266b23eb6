package hostdeps

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestEachPackageStandsOnceInTheTableAndHasAUser(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range Programs {
		assert.False(t, seen[p.Package], p.Package)
		seen[p.Package] = true
		assert.NotEmpty(t, strings.Fields(p.Targets), p.Package)
		assert.True(t, p.Shows != "" || strings.HasSuffix(p.Package, "-multilib"), "%s can't be found where no dpkg is", p.Package)
	}
}

func TestATargetNeedsWhatTheTableSays(t *testing.T) {
	assert.ElementsMatch(t, []string{"apt-utils", "createrepo-c", "rpm"}, For("repo"))
	assert.Empty(t, For("clean"))
	assert.Subset(t, For("test"), For("lint"), "the tests lint")
	assert.Subset(t, For("test"), For("test:packages"), "and install packages")
}

func TestWhatIsNotThereIsMissingWhereThereIsNoDpkg(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, pkg := range []string{"npm", "gcc-multilib", "vagrant", "unheard-of"} {
		assert.False(t, Has(context.Background(), pkg), pkg)
	}
	assert.True(t, Has(context.Background(), "libc6-dev"), "a file shows it")
}
