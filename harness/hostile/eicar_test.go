package hostile

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestChecksThatNeedEicarExist(t *testing.T) {
	assert.NoError(t, Known(needsEicar))
	assert.NoError(t, Known(alone))
}
