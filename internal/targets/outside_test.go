package targets

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/build/newplugin"
	"github.com/avirkit/avirkit/internal/build/toolchain"
)

// A vendor's way from nothing to packages: a new folder is built, tested and
// packaged as it is, in each language.
func TestANewPluginIsBuiltTestedAndPackagedAsItIs(t *testing.T) {
	t.Setenv("AVIR_TOOLCHAIN", toolchain.GCC)
	for _, language := range newplugin.Languages() {
		t.Run(language, func(t *testing.T) {
			name, dir := "mine", filepath.Join(t.TempDir(), "anything")
			require.NoError(t, New(context.Background(), &name, &language, &dir))
			require.NoError(t, TestOutside(context.Background(), &dir))
			require.NoError(t, PackageOutside(context.Background(), &dir))
			for _, pattern := range []string{"linux-386/avir_mine.so", "linux-amd64/avir_mine.so", "packages/kerio-connect-avir-mine_0.1.0_amd64.deb", "packages/kerio-control-avir-mine-0.1.0-1.i686.rpm"} {
				assert.FileExists(t, filepath.Join(dir, "dist", filepath.FromSlash(pattern)))
			}
		})
	}
}

func TestAFolderThatIsNoPluginIsNamed(t *testing.T) {
	empty, missing := t.TempDir(), filepath.Join(t.TempDir(), "mine")
	assert.ErrorContains(t, BuildOutside(context.Background(), &empty, nil), "mage new")
	assert.ErrorContains(t, BuildOutside(context.Background(), &missing, nil), missing+" is no folder")
}
