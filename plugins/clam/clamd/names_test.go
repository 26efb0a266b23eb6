package clamd

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/wire"
)

func TestNamesThatMeanNotScannedAreToldFromViruses(t *testing.T) {
	for name, want := range map[string]finding{
		"Heuristics.Limits.Exceeded":             overLimit,
		"Heuristics.Limits.Exceeded.MaxFileSize": overLimit,
		"Heuristics.Encrypted.Zip":               encrypted,
		"Encrypted.Zip":                          encrypted,
		"Heuristics.Broken.Executable":           broken,
		"Broken.Executable":                      broken,
		"(null)":                                 broken,
		"Encrypted.Evil.UNOFFICIAL":              virus,
		"Broken.Evil.UNOFFICIAL":                 virus,
		"Heuristics.Encrypted.Evil.UNOFFICIAL":   virus,
		"Heuristics.Zip.OverlappingFiles":        virus,
		"Win.Test.EICAR_HDB-1":                   virus,
		"":                                       virus,
	} {
		assert.Equal(t, want, meaning(wire.Reply{Kind: wire.Found, Text: name}), name)
	}
}

func TestPatternsFitNames(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		fits          bool
	}{
		{"PUA.*", "PUA.Win.Packer.Upx-1", true},
		{"PUA.*", "pua.win", false},
		{"PUA.*", "XPUA.Win", false},
		{"*", "", true},
		{"*", "anything", true},
		{"?", "", false},
		{"a?c", "abc", true},
		{"a?c", "abbc", false},
		{"a*c", "ac", true},
		{"a*b*c", "a-b-b-c", true},
		{"a*b*c", "a-b-b-", false},
		{"Exact.Name", "Exact.Name", true},
		{"Exact.Name", "Exact.Name.UNOFFICIAL", true},
		{"Exact.Name.UNOFFICIAL", "Exact.Name.UNOFFICIAL", true},
		{"Exact.Name.UNOFFICIAL", "Exact.Name", false},
		{"*.UNOFFICIAL", "Exact.Name.UNOFFICIAL", true},
		{strings.Repeat("*a", 40) + "b", strings.Repeat("a", 4000), false}, // soon
	} {
		assert.Equal(t, c.fits, NameRule{Pattern: c.pattern}.fits(c.name), "%s %s", c.pattern, c.name)
	}
}

func TestTheGoodRulesOfAListCountAndTheOthersAreNamed(t *testing.T) {
	rules, err := ParseNames(" PUA.*=impossible, a=b=OK ;; x=Virus,y = failed")
	require.NoError(t, err)
	assert.Equal(t, []NameRule{{"PUA.*", api.Impossible}, {"a=b", api.OK}, {"x", api.VirusFound}, {"y", api.Failed}}, rules)
	for _, wrong := range []string{"PUA.*", "=ok", "PUA.*=", "PUA.*=allow", "PUA.*=error"} {
		rules, err := ParseNames("a=ok," + wrong)
		assert.ErrorContains(t, err, wrong)
		assert.Equal(t, []NameRule{{"a", api.OK}}, rules)
	}
	rules, err = ParseNames("")
	assert.NoError(t, err)
	assert.Empty(t, rules)
}

func TestTheAdministratorHasTheLastWordByName(t *testing.T) {
	r := newRigWith(t, overTCP, func(c *Client) {
		var err error
		c.Names, err = ParseNames("PUA.Bad.*=virus,PUA.*=impossible,Heuristics.Phishing.*=ok,*Encrypted*=ok,Heuristics.Encrypted.Doc=virus,Odd*=failed,Heuristics.Limits*=ok,(null)=ok")
		require.NoError(t, err)
	})
	for name, want := range map[string]api.Verdict{
		"PUA.Bad.One":                        api.VirusFound, // the first that fits
		"PUA.Good":                           api.Impossible,
		"PUA.Good.UNOFFICIAL":                api.Impossible,
		"pua.good":                           api.VirusFound,
		"Heuristics.Phishing.Email.Spoofed":  api.OK,
		"Odd.Name":                           api.Failed,
		"Other":                              api.VirusFound,
		"Heuristics.Encrypted.Zip":           api.Impossible, // nothing makes OK of what was not scanned
		"Heuristics.Encrypted.Doc":           api.VirusFound, // but the next rule counts
		"Heuristics.Limits.Exceeded.MaxScan": api.Impossible,
		"(null)":                             api.Impossible,
		"Encrypted.Evil.UNOFFICIAL":          api.OK, // it was scanned
	} {
		result := r.spoilt(answer("stream: "+name+" FOUND"), harmless, want)
		if want == api.VirusFound {
			assert.Equal(t, name, result.Text)
		} else if want != api.OK {
			assert.Contains(t, result.Text, name)
		}
	}
	assert.Equal(t, 2, strings.Count(r.log.String(), "WRN: sample is OK by option Names"), r.log.String())
	assert.Contains(t, r.log.String(), "Heuristics.Phishing.Email.Spoofed")
	r.spoilt(answer("INSTREAM size limit exceeded. ERROR"), harmless, api.Impossible)
}
