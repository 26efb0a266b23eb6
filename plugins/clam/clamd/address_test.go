package clamd

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAddressesAreReadInEveryForm(t *testing.T) {
	for list, want := range map[string][]Address{
		"127.0.0.1":              {{"tcp", "127.0.0.1:3310"}},
		"clamd.example.com:3311": {{"tcp", "clamd.example.com:3311"}},
		"::1":                    {{"tcp", "[::1]:3310"}},
		"[::1]":                  {{"tcp", "[::1]:3310"}},
		"[fe80::1%eth0]:99":      {{"tcp", "[fe80::1%eth0]:99"}},
		"/run/clamav/clamd.ctl":  {{"unix", "/run/clamav/clamd.ctl"}},
		" a , b:1,, /c ,a":       {{"tcp", "a:3310"}, {"tcp", "b:1"}, {"unix", "/c"}},
		"300.a, _a-b.C.":         {{"tcp", "300.a:3310"}, {"tcp", "_a-b.c.:3310"}},
		"":                       nil,
		"a;b two":                {{"tcp", "a:3310"}, {"tcp", "b:3310"}, {"tcp", "two:3310"}},
		"tcp://a:9 TCP:b":        {{"tcp", "a:9"}, {"tcp", "b:3310"}},
		"tcp://[::1]:9,tcp:::1":  {{"tcp", "[::1]:9"}, {"tcp", "[::1]:3310"}},
		"unix:/x; unix:///y/z":   {{"unix", "/x"}, {"unix", "/y/z"}},

		"localhost,localhost:03310,LOCALHOST:3310": {{"tcp", "localhost:3310"}},
		"::1,[0:0::1]:3310":                        {{"tcp", "[::1]:3310"}},
	} {
		got, err := ParseAddresses(list, 3310)
		assert.NoError(t, err, list)
		assert.Equal(t, want, got, list)
	}
}

func TestAWrongAddressIsNamedAndTheOthersAreUsed(t *testing.T) {
	for _, wrong := range []string{
		"a:b:c", "host:0", "host:65536", "host:", ":3310", "[::1", "[::1]x:1", "[nonsense]:1",
		"relative/path", "300.1.1.1", "1.2.3", "1", "-", ".", "a..b", "a.-b", "a:+1", "unix:x", "tcp:", "tcp:///x", "http://host",
		strings.Repeat("a", 64), strings.Repeat("a.", 127) + "b", "[127.0.0.1]", "/" + strings.Repeat("x", 108),
	} {
		got, err := ParseAddresses("good, "+wrong, 3310)
		assert.ErrorContains(t, err, "server \"", wrong)
		assert.Equal(t, []Address{{"tcp", "good:3310"}}, got, wrong)
	}
}

func TestABareIPv6AddressThatSeemsToEndInAPortIsUsedWithAWarning(t *testing.T) {
	for list, group := range map[string]string{"::1:3310": "3310", "fe80::2:99": "99"} {
		got, err := ParseAddresses(list, 99)
		assert.Equal(t, []Address{{"tcp", "[" + list + "]:99"}}, got)
		assert.ErrorContains(t, err, "write ["+strings.TrimSuffix(list, ":"+group)+"]:"+group)
	}
	_, err := ParseAddresses("::1:3311,2001:db8::1234", 3310)
	assert.NoError(t, err)
}
