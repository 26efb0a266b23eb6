package check

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/harness/avirctl/machine"
	"github.com/avirkit/avirkit/harness/avirctl/product"
	"github.com/avirkit/avirkit/harness/host"
)

func TestVersionsOfClamd(t *testing.T) {
	v, err := parseVersion("ClamAV 0.98.7/27500/Tue Jan  4 09:30:00 2025")
	require.NoError(t, err)
	assert.Equal(t, "27500", v.number)
	assert.Equal(t, time.Date(2025, 1, 4, 9, 30, 0, 0, time.UTC), v.database)
	assert.True(t, v.old())
	for reply, old := range map[string]bool{"ClamAV 0.100.3": true, "ClamAV 0.101.0": false, "ClamAV 1.4.3": false, "ClamAV 0.99-rc1": true} {
		v, err := parseVersion(reply)
		require.NoError(t, err, reply)
		assert.Equal(t, old, v.old(), reply)
		assert.True(t, v.database.IsZero())
	}
	_, err = parseVersion("220 mail.example ESMTP")
	assert.ErrorContains(t, err, "220 mail.example")
	_, err = parseVersion("ClamAV 1.4.3/1/yesterday")
	assert.ErrorContains(t, err, "yesterday")
}

func TestServersOfTheOptionAddress(t *testing.T) {
	for address, want := range map[string][]server{
		"192.0.2.1":                  {{"tcp", "192.0.2.1:3310"}},
		"a:1, b;c\t/run/x":           {{"tcp", "a:1"}, {"tcp", "b:3310"}, {"tcp", "c:3310"}, {"unix", "/run/x"}},
		"tcp://[2001:db8::1]:3311":   {{"tcp", "[2001:db8::1]:3311"}},
		"[2001:db8::1] unix:/run/x":  {{"tcp", "[2001:db8::1]:3310"}, {"unix", "/run/x"}},
		"2001:db8::1,unix:///run/x,": {{"tcp", "[2001:db8::1]:3310"}, {"unix", "/run/x"}},
	} {
		r := &run{Options: Options{Settings: []host.Setting{{Name: "address", Value: address}}}}
		require.NoError(t, r.findServers(), address)
		assert.Equal(t, want, r.servers, address)
	}
	r := &run{Options: Options{Settings: []host.Setting{{Name: "Address", Value: " , "}}}}
	assert.ErrorContains(t, r.findServers(), "names no server")
}

func TestTheCommandForTheOtherWidthIsThatOfThePackageManager(t *testing.T) {
	const apt = "dpkg --add-architecture i386 && apt-get update && apt-get install kerio-control-avir-clam:i386"
	const dnf = "dnf swap kerio-control-avir-clam kerio-control-avir-clam.i686"
	const yum = "yum remove kerio-control-avir-clam && yum install kerio-control-avir-clam.i686"
	for programs, want := range map[string]string{"": apt + ", or " + dnf + ", or " + yum, "apt-get": apt, "yum dnf": dnf, "yum": yum} {
		r := &run{Options: Options{Machine: machine.New(t.TempDir())}, product: product.All[1]}
		require.NoError(t, os.MkdirAll(r.Machine.Path("/usr/bin"), 0o755))
		for _, name := range strings.Fields(programs) {
			require.NoError(t, os.WriteFile(r.Machine.Path("/usr/bin/"+name), nil, 0o755))
		}
		assert.Equal(t, want, r.otherWidth(product.Library{Name: "avir_clam"}, host.Platforms[0]), programs)
	}
}

func TestAServerThatIsAProgramComesBeforeAScriptOfItsName(t *testing.T) {
	m := machine.New(t.TempDir())
	connect := product.All[0]
	assert.Empty(t, connect.Server(m))
	put := func(path string, content []byte) {
		require.NoError(t, os.MkdirAll(filepath.Dir(m.Path(path)), 0o755))
		require.NoError(t, os.WriteFile(m.Path(path), content, 0o755))
	}
	script, program := connect.Folder+"/plugin/avserver/avserver", connect.Folder+"/bin/avserver"
	put(script, []byte("#!/bin/sh\nexec ../../bin/avserver\n"))
	assert.Equal(t, script, connect.Server(m))
	own, err := os.ReadFile("/proc/self/exe")
	require.NoError(t, err)
	put(program, own)
	assert.Equal(t, program, connect.Server(m))
}

// reports are one for each state.
var reports = map[State]Report{
	{"OK", 0}:       {Findings: []Finding{{"scan", OK, "a clean file", ""}}, Figures: map[string]float64{"scan_seconds": 0.0015, "room_bytes": 5}},
	{"WARNING", 1}:  {Findings: []Finding{{"scan", OK, "", ""}, {"room", Warning, "little | room\n", "make room"}, {"clock", Warning, "", ""}}},
	{"CRITICAL", 2}: {Findings: []Finding{{"room", Warning, "", ""}, {"clamd", Failed, "is down", "start it"}}},
	{"UNKNOWN", 3}:  {Findings: []Finding{{"clock", OK, "", ""}, {"scan", NotChecked, "no plugin", ""}}},
}

func TestMonitoringHasOneLineForEachState(t *testing.T) {
	want := map[string]string{
		"OK":       "AVIRKIT OK - 1 checks are good | 'room_bytes'=5B 'scan_seconds'=0.0015s\n",
		"WARNING":  "AVIRKIT WARNING - room: little / room  (and 1 more) |\n",
		"CRITICAL": "AVIRKIT CRITICAL - clamd: is down |\n",
		"UNKNOWN":  "AVIRKIT UNKNOWN - scan: no plugin |\n",
	}
	for state, report := range reports {
		assert.Equal(t, state, report.State())
		var b strings.Builder
		require.NoError(t, report.Monitoring(&b))
		assert.Equal(t, want[state.Word], b.String())
	}
}

func TestTheReportHasReasonAndRemedy(t *testing.T) {
	var b strings.Builder
	require.NoError(t, reports[State{"CRITICAL", 2}].Text(&b))
	assert.Equal(t, `warning  room   
failed   clamd  is down
                to do: start it
CRITICAL: 1 failed, 1 warning
`, b.String())
}

func TestJSONHasTheStateAndAllFindings(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, reports[State{"CRITICAL", 2}].JSON(&b))
	var got struct {
		State    string
		Exit     int
		Findings []Finding
	}
	require.NoError(t, json.Unmarshal(b.Bytes(), &got))
	assert.Equal(t, "CRITICAL", got.State)
	assert.Equal(t, 2, got.Exit)
	assert.Equal(t, reports[State{"CRITICAL", 2}].Findings, got.Findings)
}

func TestWithoutAProductTheRestIsLookedAt(t *testing.T) {
	report, err := Run(context.Background(), Options{Machine: machine.New(t.TempDir()), Settings: []host.Setting{{Name: "Address", Value: "/none"}}})
	require.NoError(t, err)
	checks := map[string]Level{}
	for _, f := range report.Findings {
		checks[f.Check] = f.Level
	}
	require.Len(t, checks, len(All), "each check says something")
	assert.Equal(t, NotChecked, checks["product"])
	assert.Equal(t, Failed, checks["clamd"])
	assert.Equal(t, OK, checks["clock"])
}

func TestAClockThatIsBehindFails(t *testing.T) {
	m := machine.New(t.TempDir())
	m.Now = func() time.Time { return time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC) }
	found := checkClock(&run{Options: Options{Machine: m}})
	require.Len(t, found, 1)
	assert.Equal(t, Failed, found[0].Level)
	m.Now = func() time.Time { return buildTime().Add(-23 * time.Hour) }
	assert.Equal(t, OK, checkClock(&run{Options: Options{Machine: m}})[0].Level, "a day's difference is nobody's fault")
}
