//go:build !linux

package run

// GOOS in the environment makes the go command compile the targets for another
// system, which ends with whatever that system lacks. This is the first such
// error, and names the cause.
var _ = the_targets_run_on_Linux_only_unset_GOOS
