package command

import (
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/avirkit/avirkit/harness/avirctl/check"
	"github.com/avirkit/avirkit/harness/host"
)

func scanCommand() *cobra.Command {
	var l look
	c := &cobra.Command{
		Use:   "scan FILE...",
		Short: "scans files with the installed plugin",
		Long: `scan starts the installed plugin in a host program of its own and prints its answer for each file, the time that it took and
the virus or the reason.

The exit status is that of the worst answer: 0 if all files are clean, 1 for a virus, 2 for a file that can't be checked, 3 if
a scan failed or the plugin did not start.`,
		Example: "  avirctl scan --set Address=/run/clamav/clamd.ctl mail.eml",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			if err := l.ready(); err != nil {
				return err
			}
			s, err := check.Start(c.Context(), l.Options)
			if err != nil {
				return err
			}
			defer func() { _ = s.Close() }()
			return scan(c, s, files)
		},
	}
	l.flags(c)
	return c
}

// badness orders the verdicts, and is the exit status.
var badness = map[host.Verdict]int{host.OK: 0, host.VirusFound: 1, host.Impossible: 2}

func scan(c *cobra.Command, s *check.Session, files []string) error {
	worst := 0
	t := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, file := range files {
		path, err := filepath.Abs(file) // the host has a working directory of its own
		if err != nil {
			return err
		}
		a, err := s.Scan(path)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		bad, known := badness[a.Verdict]
		if !known {
			bad = CannotTell
		}
		worst = max(worst, bad)
		if strings.Contains(a.Text, "permission denied") && s.User.UID != 0 {
			a.Text += fmt.Sprintf(": it is scanned as %s, who runs the product; put it where that user can read it", s.User)
		}
		fmt.Fprintf(t, "%v\t%v\t%q\t%s\n", a.Verdict, a.Time.Round(time.Millisecond/10), file, a.Text)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, line := range s.Logs() {
		if line.Level != "debug" {
			fmt.Fprintf(c.ErrOrStderr(), "avirctl: the plugin logs: %s: %s\n", line.Level, line.Text)
		}
	}
	return exit(worst)
}
