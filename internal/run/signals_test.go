package run

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain lets the test binary be a target that ends by a signal.
func TestMain(m *testing.M) {
	if os.Getenv("RUN_TEST_TARGET") != "" {
		target(os.Getenv("RUN_TEST_TARGET"))
	}
	os.Exit(m.Run())
}

// target exits with 3 when a signal cancels it as Ctrl-C does, with 4 when a
// hang-up is ignored.
func target(how string) {
	interrupted := make(chan os.Signal, 9)
	signal.Notify(interrupted, syscall.SIGINT)
	if how == "nohup" {
		signal.Ignore(syscall.SIGHUP)
	}
	EndBySignal()
	switch how {
	case "nohup":
		if signal.Ignored(syscall.SIGHUP) {
			os.Exit(4)
		}
	case "hangup":
		_ = syscall.Kill(os.Getpid(), syscall.SIGHUP)
	default:
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
	}
	<-interrupted
	os.Exit(3)
}

func TestATargetEndsBySignalsAsByCtrlC(t *testing.T) {
	for how, status := range map[string]int{"term": 3, "hangup": 3, "nohup": 4} {
		t.Run(how, func(t *testing.T) {
			self, err := os.Executable()
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			// Whoever runs the tests may ignore hang-ups.
			cmd := exec.CommandContext(ctx, "env", "--default-signal=HUP", self)
			cmd.Env = append(os.Environ(), "RUN_TEST_TARGET="+how)
			_ = cmd.Run()
			require.NoError(t, ctx.Err(), "the target has not ended")
			assert.Equal(t, status, cmd.ProcessState.ExitCode())
		})
	}
}
