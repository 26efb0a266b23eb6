package run

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAsManyJobsRunAtOnceAsFit(t *testing.T) {
	assert.Equal(t, runtime.NumCPU()+1, atOnce(1000, 1<<62), "one more than processors")
	assert.Equal(t, 2, atOnce(1000, 2999))
	assert.Equal(t, 1, atOnce(1000, 10), "one at least")
	assert.Positive(t, availableMemory())
}
