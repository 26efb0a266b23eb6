package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/avirkit/avirkit/plugins/clam/clamdtest"
)

func TestEveryFaultIsListed(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run([]string{"--list"}, &out))
	for name := range clamdtest.Faults {
		assert.Contains(t, out.String(), name)
	}
}

func TestWrongUseIsAnErrorThatNamesIt(t *testing.T) {
	var out bytes.Buffer
	assert.ErrorContains(t, run([]string{"--fault", "bogus"}, &out), "bogus")
	assert.ErrorContains(t, run([]string{"--listen", ""}, &out), "usage")
	assert.ErrorContains(t, run([]string{"extra"}, &out), "usage")
	assert.Error(t, run([]string{"--listen", "256.0.0.1:1"}, &out))
	assert.Error(t, run([]string{"--listen", "", "--unix", t.TempDir() + "/no/such/folder"}, &out))
}
