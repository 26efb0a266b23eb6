package packages

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dataWith copies packaging/ with one text in one file replaced by another.
func dataWith(t *testing.T, file, old, new string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "packaging")
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join(aRoot, "packaging"))))
	path := filepath.Join(dir, file)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), old)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(text), old, new, 1)), 0o644))
	return dir
}

func TestTheDataOfThisCheckoutDescribesTwoProductsAndThreePlugins(t *testing.T) {
	d, err := Load(filepath.Join(aRoot, "packaging"))
	require.NoError(t, err)
	assert.Equal(t, "/opt/kerio/mailserver/plugin/avserver/avirs", d.Products["connect"].Plugins)
	assert.Equal(t, "/opt/kerio/winroute/avirplugins", d.Products["control"].Plugins)
	assert.Equal(t, []string{"clam", "csample", "sample"}, slices.Sorted(maps.Keys(d.Plugins)))
	assert.Equal(t, []string{"/opt/kerio/winroute/avirplugins", "/opt/kerio/winroute", "/opt/kerio"}, d.Products["control"].Directories())
}

func TestDpkgTakesTheNameOfAPackage(t *testing.T) {
	assert.Equal(t, "kerio-connect-avir-foo-bar", PackageName(Product{Package: "kerio-connect"}, "foo_bar"))
}

func TestWrongDataIsRefused(t *testing.T) {
	for _, tc := range []struct{ name, file, old, new, want string }{
		{"an unknown key", "packages.yml", "vendor:", "vendors:", "field vendors not found"},
		{"an unknown key of a plugin", "clam/plugin.yml", "suggests:", "suggest:", "field suggest not found"},
		{"a path that the shell would split", "packages.yml", "/opt/kerio/winroute/avirplugins", `"/opt/kerio/win route"`, "only letters, digits"},
		{"a relative path", "packages.yml", "/opt/kerio/winroute/avirplugins", "opt/kerio", "absolute path"},
		{"a path with a way up", "packages.yml", "/opt/kerio/winroute/avirplugins", "/opt/kerio/../x", "clean absolute path"},
		{"plugins outside of the product's folder", "packages.yml", "folder: /opt/kerio/winroute", "folder: /opt/kerio/win", "with the plugins' below it"},
		{"a product that is the whole system", "packages.yml", "folder: /opt/kerio/winroute", "folder: /opt", "one like /opt/product"},
		{"a library outside of dist", "clam/plugin.yml", "avir_clam.so", "../avir_clam.so", "file name like avir_name.so"},
		{"a library that the product would not load", "clam/plugin.yml", "avir_clam.so", "clam.so", "file name like avir_name.so"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Load(dataWith(t, tc.file, tc.old, tc.new))
			assert.ErrorContains(t, err, tc.want)
		})
	}
}

func TestAWrongChangelogIsRefused(t *testing.T) {
	for _, tc := range []struct{ name, old, new, want string }{
		{"a wrong version", "version: 0.1.0", "version: 0.1", "is not a version"},
		{"a line that is too long", "The ClamAV plugin", strings.Repeat("The ClamAV plugin ", 5), "at most 76 characters"},
		{"no date", "  date: 2026-11-22T00:00:00Z\n", "", "no date"},
		{"an older version above", "- version: 0.1.0", "- version: 0.0.9\n  date: 2020-01-01T00:00:00Z\n  changes: [first]\n- version: 0.1.0", "must be older than 0.0.9"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := LoadChangelog(dataWith(t, "changelog.yml", tc.old, tc.new))
			assert.ErrorContains(t, err, tc.want)
		})
	}
}

func TestTheChangelogOfAPackageEndsWithItsVersion(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	history := []ChangelogEntry{{Version: "2.0.0"}, {Version: "1.1.0"}, {Version: "1.0.0"}}
	versions := func(v string) (list []string) {
		for _, e := range entriesFor(history, parsed(t, v), at) {
			list = append(list, e.Version)
		}
		return list
	}
	assert.Equal(t, []string{"2.0.0", "1.1.0", "1.0.0"}, versions("2.0.0"))
	assert.Equal(t, []string{"1.1.0", "1.0.0"}, versions("1.1.0"))
	assert.Equal(t, []string{"2.1.0-rc.1", "2.0.0", "1.1.0", "1.0.0"}, versions("2.1.0-rc.1"), "a version without an entry gets one")
}
