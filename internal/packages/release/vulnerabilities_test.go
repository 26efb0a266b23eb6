package release

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func TestWithoutADatabaseTheTableOfAdvisoriesIsCompared(t *testing.T) {
	r := released(t)
	text, err := os.ReadFile(matching(t, r.options.Out, "*.openvex.json"))
	require.NoError(t, err)
	notes, err := os.ReadFile(filepath.Join(r.options.Out, "RELEASE-NOTES.md"))
	require.NoError(t, err)
	assert.Contains(t, string(notes), "Remark: known vulnerabilities were NOT looked up, only compared with the table of this checkout: ")

	var doc vexDocument
	require.NoError(t, json.Unmarshal(text, &doc))
	assert.Equal(t, []string{"https://openvex.dev/ns/v0.2.0", r.options.Packages.Epoch.Format(time.RFC3339)}, []string{doc.Context, doc.Timestamp})
	assert.True(t, strings.HasPrefix(doc.ID, "urn:uuid:"), doc.ID)
	reasons := map[string]string{}
	for _, s := range doc.Statements {
		assert.Equal(t, "not_affected", s.Status)
		assert.NotEmpty(t, s.ImpactStatement)
		require.Len(t, s.Products, 1)
		assert.Equal(t, "pkg:golang/stdlib@v1.23.12", s.Products[0].Subcomponents[0].ID)
		reasons[s.Vulnerability.Name+" "+strings.TrimPrefix(s.Products[0].ID, modulePath)] = s.Justification
	}
	for about, want := range map[string]string{
		"CVE-2025-61728 plugins": "vulnerable_code_not_present",         // archive/zip
		"CVE-2025-58186 plugins": "vulnerable_code_not_present",         // net/http
		"CVE-2025-58186 harness": "vulnerable_code_not_in_execute_path", // linked into avirctl
		"CVE-2025-61723 harness": "vulnerable_code_not_in_execute_path", // as a person has judged
		"CVE-2025-61723 plugins": "vulnerable_code_not_present",
		"CVE-2026-27143 plugins": "vulnerable_code_not_present", // of the compiler
	} {
		assert.Equal(t, want, reasons[about], about)
	}
	var table []advisory
	require.NoError(t, yaml.Unmarshal(advisoriesYML, &table))
	assert.Len(t, doc.Statements, 2*len(table))
}

func TestCodeWithAKnownVulnerabilityThatAPluginCallsStopsTheReleaseAtFullLength(t *testing.T) {
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, asDatabase([]advisory{{ID: "CVE-2999-0001", Packages: map[string][]string{"net": {"Dialer.DialContext"}}}}, dir))

	_, _, err = vulnerabilities(t.Context(), root, "file://"+dir)

	require.ErrorContains(t, err, "CVE-2999-0001")
	assert.ErrorContains(t, err, "advisories.yml")
}
