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
	said := map[string]vexStatement{}
	for _, s := range doc.Statements {
		require.Len(t, s.Products, 1)
		assert.Equal(t, "pkg:golang/stdlib@v1.23.12", s.Products[0].Subcomponents[0].ID)
		said[s.Vulnerability.Name+" "+strings.TrimPrefix(s.Products[0].ID, modulePath)] = s
	}
	const no, maybe = "not_affected vulnerable_code_not_present", "under_investigation "
	for about, want := range map[string][2]string{
		"CVE-2025-61728 plugins": {maybe, "Built with code of archive/zip."}, // in fakeclamd,
		"CVE-2025-58186 plugins": {no, "Built without net/http."},
		"CVE-2025-58186 harness": {maybe, "Built with code of net/http. Whether what is vulnerable is called was not looked up."},
		"CVE-2025-61723 harness": {maybe, "avirctl links this code"}, // as a person has judged
		"CVE-2025-61725 harness": {no, "Built without net/mail."},
		"CVE-2025-61723 plugins": {no, "Built without encoding/pem."},
		"CVE-2026-27143 plugins": {maybe, "The fault is in the compiler"},
	} {
		s := said[about]
		assert.Equal(t, want[0], s.Status+" "+s.Justification, about)
		assert.Contains(t, s.ImpactStatement+s.StatusNotes, want[1], about)
	}
	var table []advisory
	require.NoError(t, yaml.Unmarshal(advisoriesYML, &table))
	assert.Len(t, doc.Statements, 2*len(table))
}

func TestNothingIsCalledNotAffectedThatTheBuildDoesNotShow(t *testing.T) {
	about := func(near reach, packages ...string) *vulnerability {
		return &vulnerability{packages: packages, found: map[string]finding{"plugins": {reach: near}}}
	}
	all := []*vulnerability{
		about(notLinked, "net/http"), about(notLinked, "net/http", "net"), about(notLinked), about(linked, "net"), about(called, "net"),
	}
	reaches := func() (list []reach) {
		for _, v := range all {
			list = append(list, v.found["plugins"].reach)
		}
		return list
	}
	doubt(all, notLinked, mayBeIn("plugins", map[string]bool{"net": true}))
	doubt(all, notLinked, mayBeIn("harness", map[string]bool{"net/http": true}))
	assert.Equal(t, []reach{notLinked, unknown, unknown, linked, called}, reaches())
	doubt(all, linked, fromMemory)
	assert.Equal(t, []reach{notLinked, unknown, unknown, unknown, called}, reaches(), "which code an advisory is about stands in the table from memory")
	assert.NotContains(t, all[0].found, "harness", "of which nothing was found")
}

func TestCodeWithAKnownVulnerabilityThatAPluginCallsStopsTheReleaseAtFullLength(t *testing.T) {
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	dir := t.TempDir()
	table := []advisory{
		{ID: "CVE-2999-0001", Packages: map[string][]string{"net": {"Dialer.DialContext"}}},
		{ID: "CVE-2999-0002", Packages: map[string][]string{"net": {"LookupTXT"}}},
	}
	require.NoError(t, asDatabase(table, dir))

	_, _, err = vulnerabilities(t.Context(), root, "file://"+dir)
	require.ErrorContains(t, err, "CVE-2999-0001")
	assert.ErrorContains(t, err, "advisories.yml")

	found, err := govulncheck(t.Context(), root, "file://"+dir)
	require.NoError(t, err)
	for _, v := range found {
		want := map[string]reach{"CVE-2999-0001": called, "CVE-2999-0002": linked}[v.id]
		assert.Equal(t, finding{want, "stdlib@v1.23.12"}, v.found["plugins"], "%s: nothing in Go calls a plugin", v.id)
	}
}
