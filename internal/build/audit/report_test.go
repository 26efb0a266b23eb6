package audit

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReportIsTheSameForTheSameLibrary(t *testing.T) {
	path := plugin(t, calls("exit", "execvpe"), stub(t, "libc.so.6", map[string]string{"GLIBC_2.0": "exit", "GLIBC_2.34": "execvpe"}))
	var texts, manifests []string
	for range 2 {
		report, err := File(path, policy)
		require.NoError(t, err)
		var text strings.Builder
		require.NoError(t, report.WriteText(&text))
		manifest, err := json.Marshal(report)
		require.NoError(t, err)
		texts, manifests = append(texts, text.String()), append(manifests, string(manifest))
	}
	assert.Equal(t, texts[0], texts[1])
	assert.Equal(t, manifests[0], manifests[1])
	assert.NotContains(t, manifests[0], t.TempDir(), "a path in the manifest differs between machines")
	assert.NotContains(t, manifests[0], "null")

	assert.Contains(t, texts[0], "  glibc       2.34 execvpe\n")
	assert.Contains(t, texts[0], "  ERROR [glibc-floor] needs symbol versions newer than glibc 2.11")
	assert.Contains(t, texts[0], "\n      execvpe@GLIBC_2.34 (libc.so.6)\n")
	assert.Contains(t, texts[0], "  WARNING [exit] may end the host's process")
	assert.Contains(t, texts[0], "\n      exit@GLIBC_2.0 (libc.so.6)\n")
	assert.Contains(t, texts[0], "  fails the audit: errors found: 1\n")
	assert.Contains(t, manifests[0], `{"rule":"glibc-floor","severity":"error"`)
}

func TestWarningsAndNotesDoNotFailALibrary(t *testing.T) {
	report, err := File(plugin(t, entry, "-Wl,--build-id=none"), policy)
	require.NoError(t, err)
	require.NoError(t, report.Err())
	var text strings.Builder
	require.NoError(t, report.WriteText(&text))
	assert.Contains(t, text.String(), "WARNING [build-id]")
	assert.Contains(t, text.String(), "  passes the audit\n")
}
