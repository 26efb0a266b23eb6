package machines

import (
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const guestSays = `some login message
@fact kernel 2.6.32-5-686
@fact packager dpkg 1.15.11
@step install
Unpacking …
@ok 3 install
@step avir_sample
scanning: round 1 of 5
**Failed**: hostile/signals
@failed 61 avir_sample
@end 1
`

func TestWhatAGuestSaysIsReadInWhateverPieces(t *testing.T) {
	for size := 1; size < len(guestSays); size += 7 {
		o := &outcome{machine: "debian6"}
		for rest := guestSays; rest != ""; {
			n := min(size, len(rest))
			_, err := o.Write([]byte(rest[:n]))
			require.NoError(t, err)
			rest = rest[n:]
		}
		require.True(t, o.ended())
		require.Equal(t, map[string]string{"kernel": "2.6.32-5-686", "packager": "dpkg 1.15.11"}, o.facts)
		require.Equal(t, []step{
			{name: "install", seconds: 3},
			{name: "avir_sample", seconds: 61, failed: true, output: "scanning: round 1 of 5\n**Failed**: hostile/signals"},
		}, o.steps)
		require.EqualError(t, o.err(), "1 of 2 steps failed")
	}
}

func TestAGuestThatRanNothingHasNotPassed(t *testing.T) {
	o := &outcome{}
	_, _ = o.Write([]byte("@end 0\n"))
	assert.EqualError(t, o.err(), "no test ran")
}

func TestAGuestThatStopsInTheMiddleHasNotEnded(t *testing.T) {
	o := &outcome{}
	_, _ = o.Write([]byte("@step install\nUnpacking\n@ok 3 install\n@step long\nline\n"))
	assert.False(t, o.ended())
	assert.Contains(t, o.progress(), "long for 0 s: line")
}

func TestAMachineThatFailedHasAStepThatFailed(t *testing.T) {
	boot := step{name: "boot", seconds: 15}
	o := &outcome{}
	_, _ = o.Write([]byte("@step install\n@ok 3 install\n"))
	assert.Equal(t, []step{boot, {name: "install", seconds: 3}}, o.allSteps(boot, nil))
	steps := o.allSteps(boot, errors.New("the results are gone"))
	assert.Equal(t, step{name: "machine", failed: true, output: "the results are gone"}, steps[2])

	_, _ = o.Write([]byte("@step avir_clam\nscanning\n"))
	steps = o.allSteps(boot, errors.New("ssh ended"))
	require.Len(t, steps, 3)
	assert.Equal(t, "avir_clam", steps[2].name, "it was running when the machine ended")
	assert.True(t, steps[2].failed)
	assert.Equal(t, "ssh ended\nscanning", steps[2].output)

	_, _ = o.Write([]byte("@failed 9 avir_clam\n"))
	assert.Len(t, o.allSteps(boot, errors.New("1 of 2 steps failed")), 3, "it has one already")
	boot.failed = true
	assert.Len(t, (&outcome{}).allSteps(boot, errors.New("no boot")), 1)
}

func TestResultsOfAnEarlierRunAreForgotten(t *testing.T) {
	root := t.TempDir()
	for _, file := range []string{"table.txt", "debian6/junit.xml", "centos6/junit.xml"} {
		write(t, filepath.Join(root, "dist", "vm", file), "green")
	}
	require.NoError(t, forget(root, []*Machine{{Name: "debian6"}}))
	assert.NoFileExists(t, filepath.Join(root, "dist", "vm", "table.txt"))
	assert.NoDirExists(t, filepath.Join(root, "dist", "vm", "debian6"))
	assert.FileExists(t, filepath.Join(root, "dist", "vm", "centos6", "junit.xml"), "it is not tested now")
}

func TestAFloodOfOutputIsBounded(t *testing.T) {
	o := &outcome{}
	_, _ = o.Write([]byte("@step flood\n"))
	for range 1000 {
		_, _ = o.Write([]byte(strings.Repeat("x", 1000)))
	}
	for range 1000 {
		_, _ = o.Write([]byte("line\n"))
	}
	assert.LessOrEqual(t, len(o.rest), 4*lineLimit)
	assert.Len(t, o.text, outputLines)
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
	c, err := writeJUnit(dir, "debian6", []step{{name: "boot", seconds: 15}, {name: "install", failed: true, output: "no <space>"}},
		[]junitProperty{{"kernel", "2.6.32"}})
	require.NoError(t, err)
	assert.Equal(t, count{tests: 8, failed: 3, skipped: 2}, c)

	data, err := os.ReadFile(filepath.Join(dir, "junit.xml"))
	require.NoError(t, err)
	var all struct {
		Suites []struct {
			Name     string `xml:"name,attr"`
			Tests    int    `xml:"tests,attr"`
			Failures int    `xml:"failures,attr"`
			Props    []struct {
				Name  string `xml:"name,attr"`
				Value string `xml:"value,attr"`
			} `xml:"properties>property"`
			Cases []struct {
				Class   string `xml:"classname,attr"`
				Name    string `xml:"name,attr"`
				Failure []struct {
					Message string `xml:"message,attr"`
					Text    string `xml:",chardata"`
				} `xml:"failure"`
				Output string `xml:"system-out"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal(data, &all))
	require.Len(t, all.Suites, 3)
	assert.Equal(t, "debian6.packages", all.Suites[0].Name)
	for _, s := range all.Suites {
		require.Len(t, s.Props, 1, "each suite may be read alone")
		assert.Equal(t, "kernel", s.Props[0].Name)
		assert.Equal(t, "2.6.32", s.Props[0].Value)
	}
	assert.Equal(t, "no <space>", all.Suites[0].Cases[1].Failure[0].Text)
	assert.Equal(t, "debian6.avir_clam-fake.scanning", all.Suites[1].Name)
	assert.Equal(t, "debian6.avir_clam-fake.scanning", all.Suites[1].Cases[0].Class)
	assert.Equal(t, "found <it>", all.Suites[1].Cases[0].Output)
	require.Len(t, all.Suites[1].Cases[1].Failure, 1)
	assert.Equal(t, "saw & wrong", all.Suites[1].Cases[1].Failure[0].Message)
}

func TestABrokenReportIsAnError(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "avir_clam.xml"), harnessReport[:200])
	_, err := writeJUnit(dir, "debian6", nil, nil)
	assert.ErrorContains(t, err, "avir_clam.xml")
}

func TestTheTableNamesWhatItRanOn(t *testing.T) {
	rows := []row{
		{machine: &Machine{Name: "debian6", System: "Debian 6.0.10 i386"}, count: count{tests: 100},
			facts: map[string]string{"system": "Debian 6.0.10", "kernel": "2.6.32-5-686", "machine": "i686", "libc": "glibc 2.11.3", "packager": "dpkg 1.15.11"}, took: 90 * time.Second},
		{machine: &Machine{Name: "centos6", System: "CentOS 6.10 i386", StandIn: "Debian 11 i386 with rpm"}, err: errors.New("boot centos6: no")},
	}
	var b strings.Builder
	require.NoError(t, writeTable(&b, rows, driverQEMU, []string{"NOT TESTED: debian12"}))
	text := b.String()
	for _, fact := range []string{"Debian 6.0.10", "2.6.32-5-686 i686", "glibc 2.11.3", "dpkg 1.15.11", "100", "90 s", "passed"} {
		assert.Contains(t, text, fact)
	}
	assert.Contains(t, text, "FAILED")
	assert.Contains(t, text, "Debian 11 i386 with rpm stood in for CentOS 6.10 i386; of CentOS 6.10 i386 itself this proves nothing")
	assert.Contains(t, text, "driver: qemu")
	assert.Contains(t, text, "\nNOT TESTED: debian12\n")
	assert.Equal(t, []junitProperty{{"driver", "qemu"}, {"system", "Debian 6.0.10"}, {"kernel", "2.6.32-5-686"},
		{"machine", "i686"}, {"libc", "glibc 2.11.3"}, {"packager", "dpkg 1.15.11"}}, rows[0].properties(driverQEMU))
	assert.Equal(t, "stand-in", rows[1].properties("")[0].Name)
	assert.EqualError(t, failures(rows), "1 of 2 machines failed:\ncentos6: boot centos6: no")
	assert.NoError(t, failures(rows[:1]))
}
