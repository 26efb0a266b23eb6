package release

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/packages"
)

func TestWithoutADatabaseTheTableOfAdvisoriesIsCompared(t *testing.T) {
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)

	found, remarks, err := vulnerabilities(t.Context(), root, "file:///nonexistent")

	require.NoError(t, err)
	require.Len(t, remarks, 1)
	assert.Contains(t, remarks[0], "NOT looked up")
	byID := map[string]*vulnerability{}
	for _, v := range found {
		byID[v.id] = v
	}
	for id, want := range map[string]map[string]reach{
		"CVE-2025-61728": {"plugins": notLinked, "harness": notLinked}, // archive/zip
		"CVE-2025-58186": {"plugins": notLinked, "harness": linked},    // net/http, in avirctl
		"CVE-2025-61723": {"plugins": notLinked, "harness": called},    // encoding/pem, in avirctl
		"CVE-2026-27143": {},                                           // of the compiler
	} {
		require.Contains(t, byID, id)
		assert.Equal(t, want, byID[id].reach, id)
	}

	o := Options{Packages: packages.Options{Data: "../../../packaging", Epoch: epoch}}
	text, err := vex(o, found, "1.23.12")
	require.NoError(t, err)
	again, err := vex(o, found, "1.23.12")
	require.NoError(t, err)
	assert.Equal(t, string(text), string(again), "the same each time")
	var doc vexDocument
	require.NoError(t, json.Unmarshal(text, &doc))
	assert.Equal(t, []string{"https://openvex.dev/ns/v0.2.0", "2023-11-14T22:13:20Z"}, []string{doc.Context, doc.Timestamp})
	assert.True(t, strings.HasPrefix(doc.ID, "urn:uuid:"), doc.ID)
	assert.Len(t, doc.Statements, 2*len(found))
	reasons := map[string]string{}
	for _, s := range doc.Statements {
		assert.Equal(t, "not_affected", s.Status)
		assert.NotEmpty(t, s.ImpactStatement)
		require.Len(t, s.Products, 1)
		assert.Equal(t, "pkg:golang/stdlib@v1.23.12", s.Products[0].Subcomponents[0].ID)
		reasons[s.Vulnerability.Name+strings.TrimPrefix(s.Products[0].ID, modulePath)] = s.Justification
	}
	for about, want := range map[string]string{
		"CVE-2025-61728plugins": "vulnerable_code_not_present",
		"CVE-2025-58186harness": "vulnerable_code_not_in_execute_path",
		"CVE-2025-61723harness": "vulnerable_code_not_in_execute_path",
		"CVE-2025-61723plugins": "vulnerable_code_not_present",
		"CVE-2026-27143plugins": "vulnerable_code_not_present",
	} {
		assert.Equal(t, want, reasons[about], about)
	}
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
