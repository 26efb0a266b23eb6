package command

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWhoStopsAvirctlIsNotToldThatThePluginIsToBlame(t *testing.T) {
	for stopped, says := range map[bool]string{true: "avirctl: stopped by a signal\n", false: "avirctl: /nonexistent.so: it is no regular file\n"} {
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		if stopped {
			stop()
		}
		var out, errs bytes.Buffer
		assert.Equal(t, CannotTell, Run(ctx, "1.0.0", []string{"scan", "--plugin", "/nonexistent.so", "file"}, &out, &errs))
		assert.Equal(t, says, errs.String())
	}
}
