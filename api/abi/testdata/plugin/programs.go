package main

import (
	"context"
	"errors"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/api/program"
)

// runProgram answers OK when a program began as any program may expect to,
// and all that it said and its exit code came back.
func runProgram(ctx context.Context) api.Result {
	// The descriptor 3 is that of ls itself.
	script := `grep -c "^Sig\(Blk\|Ign\):.0*$" /proc/self/status; ls /proc/self/fd; echo error >&2; exit 3`
	got, err := program.Command{Path: "/bin/sh", Args: []string{"-c", script}}.Run(ctx)
	if err != nil {
		return api.Result{Verdict: api.Failed, Text: err.Error()}
	}
	if out := string(got.Stdout); out != "2\n0\n1\n2\n3\n" || string(got.Stderr) != "error\n" || got.ExitCode != 3 {
		return api.Result{Verdict: api.Failed, Text: out}
	}
	return api.Result{Verdict: api.OK}
}

// runEndlessProgram answers Impossible when the program was killed at the
// scan's deadline.
func runEndlessProgram(ctx context.Context) api.Result {
	_, err := program.Command{Path: "/bin/sleep", Args: []string{"1000"}}.Run(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		return api.Result{Verdict: api.Failed, Text: "the program was not killed"}
	}
	return api.Result{Verdict: api.Impossible}
}
