package clamd

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheTurnOfTheServersSurvivesItsOverflow(t *testing.T) {
	c := New(config(t, "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3", &logLines{}))
	for _, turn := range []uint{math.MaxInt - 1, math.MaxUint - 1} {
		c.turn = turn
		for range 4 {
			s, _, err := c.pick()
			require.NoError(t, err)
			c.release(s)
		}
	}
}

func TestASessionEndsLongBeforeItsIdsDo(t *testing.T) {
	s := session{lastID: maxCommands - 1}
	assert.True(t, s.reusable())
	s.command(nil, "PING")
	assert.False(t, s.reusable())
}
