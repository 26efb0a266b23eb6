package machines

import (
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jstemmer/go-junit-report/v2/junit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/internal/systems/settings"
)

func TestResultsOfAnEarlierRunAreForgotten(t *testing.T) {
	root := t.TempDir()
	for _, file := range []string{"table.txt", "debian6/junit.xml", "centos6/junit.xml"} {
		write(t, filepath.Join(root, "dist", "vm", file), "green")
	}
	require.NoError(t, forget(root, []*settings.Machine{{Name: "debian6"}}))
	assert.NoFileExists(t, filepath.Join(root, "dist", "vm", "table.txt"))
	assert.NoDirExists(t, filepath.Join(root, "dist", "vm", "debian6"))
	assert.FileExists(t, filepath.Join(root, "dist", "vm", "centos6", "junit.xml"), "it is not tested now")
}

const harnessReport = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="scanning" tests="3" failures="1" errors="0" skipped="1" time="1.5" timestamp="2026-11-22T10:00:00">
    <testcase classname="avir_clam.so.scanning" name="eicar.com" time="0.5"><system-out>found &lt;it&gt;</system-out></testcase>
    <testcase classname="avir_clam.so.scanning" name="clean.exe" time="1"><failure message="saw &amp; wrong">why</failure></testcase>
    <testcase classname="avir_clam.so.scanning" name="huge.file" time="0"><skipped message="no"></skipped></testcase>
  </testsuite>
</testsuites>
`

func TestOneReportHoldsTheStepsAndAllReportsOfTheHarness(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "avir_clam-fake.xml"), harnessReport)
	write(t, filepath.Join(dir, "avir_clam-real.xml"), harnessReport)
	steps := []step{{name: "boot", seconds: 15}, {name: "install", failed: true, output: "no <space>"}, {name: "scan", skipped: "its start failed"}}
	c, err := writeJUnit(dir, "debian6", steps, []junit.Property{{Name: "kernel", Value: "2.6.32"}})
	require.NoError(t, err)
	assert.Equal(t, count{tests: 9, failed: 3, skipped: 3}, c)

	data, err := os.ReadFile(filepath.Join(dir, "junit.xml"))
	require.NoError(t, err)
	type message struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	var all struct {
		Suites []struct {
			Name  string `xml:"name,attr"`
			Props []struct {
				Name  string `xml:"name,attr"`
				Value string `xml:"value,attr"`
			} `xml:"properties>property"`
			Cases []struct {
				Class   string    `xml:"classname,attr"`
				Failure []message `xml:"failure"`
				Skipped []message `xml:"skipped"`
				Output  string    `xml:"system-out"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal(data, &all))
	require.Len(t, all.Suites, 3)
	assert.Equal(t, "debian6.packages", all.Suites[0].Name)
	for _, s := range all.Suites {
		require.Len(t, s.Props, 1, "each suite may be read alone")
		assert.Equal(t, "2.6.32", s.Props[0].Value)
	}
	own, harness := all.Suites[0].Cases, all.Suites[1].Cases
	assert.Equal(t, []message{{"install failed", "no <space>"}}, own[1].Failure)
	assert.Equal(t, []message{{"its start failed", ""}}, own[2].Skipped)
	assert.Equal(t, "debian6.avir_clam-fake.scanning", harness[0].Class)
	assert.Equal(t, "found <it>", harness[0].Output)
	assert.Equal(t, []message{{"saw & wrong", "why"}}, harness[1].Failure)
}

func TestABrokenReportIsAnError(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "avir_clam.xml"), harnessReport[:200])
	_, err := writeJUnit(dir, "debian6", nil, nil)
	assert.ErrorContains(t, err, "avir_clam.xml")
}

func TestTheTableNamesWhatItRanOn(t *testing.T) {
	rows := []row{
		{machine: &settings.Machine{Name: "debian6", System: "Debian 6.0.10 i386"}, count: count{tests: 100},
			facts: map[string]string{"system": "Debian 6.0.10", "kernel": "2.6.32-5-686", "machine": "i686", "libc": "glibc 2.11.3", "packager": "dpkg 1.15.11"}, took: 90 * time.Second},
		{machine: &settings.Machine{Name: "centos6", System: "CentOS 6.10 i386", StandIn: "Debian 11 i386"}, err: errors.New("boot centos6: no")},
	}
	var b strings.Builder
	require.NoError(t, writeTable(&b, rows, driverQEMU, []string{"NOT TESTED: debian12"}))
	for _, fact := range []string{"Debian 6.0.10", "2.6.32-5-686 i686", "glibc 2.11.3", "dpkg 1.15.11", "100", "90 s", "passed", "FAILED",
		"Debian 11 i386 stood in for CentOS 6.10 i386; of CentOS 6.10 i386 itself this proves nothing", "driver: qemu", "\nNOT TESTED: debian12\n"} {
		assert.Contains(t, b.String(), fact)
	}
	assert.Equal(t, []junit.Property{{Name: "driver", Value: "qemu"}, {Name: "system", Value: "Debian 6.0.10"}, {Name: "kernel", Value: "2.6.32-5-686"},
		{Name: "machine", Value: "i686"}, {Name: "libc", Value: "glibc 2.11.3"}, {Name: "packager", Value: "dpkg 1.15.11"}}, rows[0].properties(driverQEMU))
	assert.Equal(t, "stand-in", rows[1].properties("")[0].Name)
	assert.EqualError(t, failures(rows), "1 of 2 machines failed:\ncentos6: boot centos6: no")
	assert.NoError(t, failures(rows[:1]))
}
