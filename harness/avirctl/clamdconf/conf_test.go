package clamdconf

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var product = Limits{MaxFileSize: 100 << 20, Scans: 8, ScanTimeout: 180}

// good is a clamd.conf in which nothing is wrong.
const good = "AlertEncrypted yes\nAlertExceedsMax yes\n"

func conf(text string) *Conf { return Parse("/etc/clamd.conf", []byte(text)) }

func TestTheFirstLineOfASettingCounts(t *testing.T) {
	c := conf("# a comment\n\n  MaxFileSize\t25M\nMaxFileSize 100M\nmaxscansize 1M\nTemporaryDirectory \"/var/tmp\"\n")
	line, found := c.First("MaxFileSize")
	require.True(t, found)
	assert.Equal(t, Line{3, "MaxFileSize", "25M"}, line)
	assert.Equal(t, []Line{{4, "MaxFileSize", "100M"}}, c.Ignored("MaxFileSize"))
	assert.Equal(t, uint64(25<<20), c.Number("MaxFileSize"))
	assert.Equal(t, "/var/tmp", c.Value("TemporaryDirectory"))
	assert.Equal(t, "400M", c.Value("MaxScanSize"), "the default, for names are case-sensitive")
	assert.Empty(t, c.Ignored("MaxThreads"))
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]uint64{"": 0, "0": 0, "7": 7, "7k": 7 << 10, "7M": 7 << 20, "3g": 3 << 30, "x": 0, "-1": 0, "M": 0, "1.5M": 0, "5000000000": 5000000000, "99999999999G": 1 << 63} {
		assert.Equal(t, want, Size(text), "%q", text)
	}
}

func TestAnExampleFileIsRefused(t *testing.T) {
	assert.Contains(t, conf("# x\nExample\n").Refused, "line 2")
	assert.Empty(t, conf("#Example\n").Refused)
}

func TestLinesThatClamdRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"# x\r\nMaxThreads 7\r\n":           "line 2 ends as on Windows: sed",
		"ScanArchive on\n":                  "line 1 says ScanArchive on: it must be yes or no",
		"# x\nMaxScanSize 10MB\n":           "line 2 says MaxScanSize 10MB: it must be a number",
		"MaxThreads\n":                      "line 1 says MaxThreads : it must be a number",
		"ScanArchive TRUE\nMaxFileSize 0\n": "",
		"MaxThreads \"7\"\nScanArchive \"no\"\nMaxFileSize \"1G\"\nTemporaryDirectory /x\nLocalSocket /x\n": "",
	} {
		if got := conf(text).Refused; want == "" {
			assert.Empty(t, got, text)
		} else {
			assert.Contains(t, got, want, text)
		}
	}
}

func TestAddressesWhereClamdListens(t *testing.T) {
	assert.Empty(t, conf("").Addresses())
	assert.Equal(t, []string{"/run/x", "127.0.0.1:3310"}, conf("TCPSocket 3310\nLocalSocket /run/x\nTCPAddr 0.0.0.0\n").Addresses())
	assert.Equal(t, []string{"[2001:db8::1]:3311"}, conf("TCPSocket 3311\nTCPAddr 2001:db8::1\n").Addresses())
}

func TestAGoodFileHasNothingWrong(t *testing.T) {
	assert.Empty(t, conf(good).Compare(product, false))
	assert.Empty(t, conf("ArchiveBlockEncrypted TRUE\nBlockMax 1\n").Compare(product, true))
	assert.Empty(t, conf(good+"MaxFileSize 100M\nMaxScanSize 0\nMaxThreads 8\nMaxQueue 16\nReadTimeout 30\nMaxScanTime 179999\n").Compare(product, false))
}

func TestEachWrongSettingIsNamedWithTheLineToWrite(t *testing.T) {
	for _, c := range []struct{ text, name, have, remedy string }{
		{"AlertExceedsMax yes\n", "AlertEncrypted", "has no AlertEncrypted, and the default is no", `put the line "AlertEncrypted yes" into /etc/clamd.conf`},
		{"AlertEncrypted no\nAlertExceedsMax yes\n", "AlertEncrypted", "line 1 says AlertEncrypted no", `change line 1 of /etc/clamd.conf to "AlertEncrypted yes"`},
		{"ArchiveBlockEncrypted no\nAlertExceedsMax yes\n", "AlertEncrypted", "line 1 says ArchiveBlockEncrypted no", `change line 1 of /etc/clamd.conf to "AlertEncrypted yes"`},
		{"AlertEncrypted yes\n", "AlertExceedsMax", "default is no", "AlertExceedsMax yes"},
		{good + "MaxFileSize 104857599\n", "MaxFileSize", "line 3", `"MaxFileSize 100M"`},
		{good + "MaxScanSize 99M\n", "MaxScanSize", "line 3", `"MaxScanSize 100M"`},
		{good + "StreamMaxLength 25M\nStreamMaxLength 100M\n", "StreamMaxLength", "line 4 says 100M and counts for nothing", "change line 3"},
		{good + "ScanArchive false\n", "ScanArchive", "line 3", `"ScanArchive yes"`},
		{good + "HeuristicScanPrecedence yes\n", "HeuristicScanPrecedence", "line 3", `"HeuristicScanPrecedence no"`},
		{good + "MaxThreads 7\n", "MaxThreads", "line 3", `"MaxThreads 8"`},
		{good + "MaxThreads 60\n", "MaxQueue", "has no MaxQueue, and the default is 100", `"MaxQueue 120"`},
		{good + "ReadTimeout 29\n", "ReadTimeout", "line 3", `"ReadTimeout 30"`},
		{good + "MaxScanTime 180000\n", "MaxScanTime", "line 3", `"MaxScanTime 120000"`},
		{good + "MaxScanTime 0\n", "MaxScanTime", "line 3", `"MaxScanTime 120000"`},
	} {
		wrong := conf(c.text).Compare(product, false)
		require.Len(t, wrong, 1, c.text)
		assert.Equal(t, c.name, wrong[0].Name)
		assert.Contains(t, wrong[0].Have, c.have)
		assert.Contains(t, wrong[0].Remedy, c.remedy)
	}
	old := conf("").Compare(product, true)
	require.Len(t, old, 2)
	assert.Contains(t, old[0].Remedy, "ArchiveBlockEncrypted yes", "an old clamd knows no other name")
}

// elsewhere are settings that the guide names in the same chapter and that are
// looked at by another check, or that are nobody's fault.
var elsewhere = []string{
	"TemporaryDirectory", "LimitNOFILE", "ConcurrentDatabaseReload", // checks room, limits and memory
	"MaxRecursion", "MaxFiles", // AlertExceedsMax tells of them
	"AlertBrokenExecutables", // a matter of taste
	"VirusEvent",             // what clamd does, not what it finds
}

func TestTheSettingsAreThoseOfTheGuide(t *testing.T) {
	text, err := os.ReadFile("../../../docs/administrator.md")
	require.NoError(t, err)
	_, chapter, found := strings.Cut(string(text), "\n## Set up clamd\n")
	require.True(t, found)
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	inGuide := map[string]bool{}
	for _, m := range regexp.MustCompile("`((?:[A-Z]+[a-z]+){2,}|LimitNOFILE)(?: [^`]*)?`").FindAllStringSubmatch(chapter, -1) {
		inGuide[m[1]] = true
	}
	known := map[string]bool{}
	for _, s := range Settings {
		known[s.Name], known[s.Old] = true, true
		assert.True(t, inGuide[s.Name], "the guide's chapter lacks %s", s.Name)
		assert.True(t, s.Old == "" || inGuide[s.Old], "the guide's chapter lacks %s", s.Old)
	}
	for _, name := range elsewhere {
		known[name] = true
	}
	for name := range inGuide {
		assert.True(t, known[name], "the guide names %s, and no check looks at it", name)
	}
}
