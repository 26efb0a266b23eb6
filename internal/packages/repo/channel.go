package repo

import (
	"fmt"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/packages"
)

// Channel is what clients choose: they see the versions in it and no others. A
// version is in one channel, and can be promoted from beta to stable.
type Channel string

// The channels, as apt names its suites.
const (
	Stable Channel = packages.Suite
	Beta   Channel = "beta"
)

var channels = []Channel{Stable, Beta}

// ParseChannel returns the channel of a name.
func ParseChannel(name string) (Channel, error) {
	if c := Channel(name); slices.Contains(channels, c) {
		return c, nil
	}
	return "", fmt.Errorf("there is no channel %q: it must be one of %v", name, channels)
}

// suite is the folder of apt's indexes.
func (c Channel) suite() string { return "apt/dists/" + string(c) }

// yum is the folder of yum's repository. That of stable has the name that it
// had before there were others.
func (c Channel) yum() string {
	if c == Stable {
		return "yum"
	}
	return "yum-" + string(c)
}

// pools are the folders of a format's packages, with the channels whose
// packages lie there.
func (f format) pools() map[string][]Channel {
	pools := map[string][]Channel{}
	for _, c := range channels {
		pools[f.pool(c)] = append(pools[f.pool(c)], c)
	}
	return pools
}

// contents are the packages in each channel.
type contents map[Channel]listing

func newContents() contents {
	c := contents{}
	for _, channel := range channels {
		c[channel] = listing{}
	}
	return c
}

func (c contents) count() (n int) {
	for _, list := range c {
		n += len(list)
	}
	return n
}

// channelNames is how the index of stable tells which channels there are, so
// that one which is gone is noticed.
func channelNames() string {
	var names []string
	for _, c := range channels {
		names = append(names, string(c))
	}
	return strings.Join(names, " ")
}
