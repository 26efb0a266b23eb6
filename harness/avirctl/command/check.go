package command

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/avirkit/avirkit/harness/avirctl/check"
)

func checkCommand() *cobra.Command {
	var l look
	var monitoring, json bool
	c := &cobra.Command{
		Use:   "check",
		Short: "looks at everything that decides whether mail is scanned",
		Long: "check looks at these things, and says of each whether it is ok, with the reason and the remedy:\n\n" + checks() + `
It starts the plugin in a host program of its own, as the product's user, with the options given by --set, and lets it scan
samples; the product's own server is only looked at. Without root it can't be another user, nor look into other users'
processes.

The exit status is 0 if all is ok, 1 for a warning, 2 if something failed, 3 if nothing could be scanned, so that nobody knows.`,
		Example: `  avirctl check --set Address=/run/clamav/clamd.ctl
  avirctl check --monitoring`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			err := l.ready()
			var report check.Report
			if err == nil {
				report, err = check.Run(c.Context(), l.Options)
			}
			if err != nil {
				return err
			}
			write := report.Text
			if monitoring {
				write = report.Monitoring
			} else if json {
				write = report.JSON
			}
			if err := write(c.OutOrStdout()); err != nil {
				return err
			}
			return exit(report.State().Exit)
		},
	}
	l.flags(c)
	c.Flags().StringVar(&l.ClamdConf, "clamd-conf", "", "clamd's configuration `FILE` (default: looked for at Debian's and Red Hat's places)")
	c.Flags().BoolVar(&monitoring, "monitoring", false, "one line with figures, for Nagios, Icinga, Zabbix and the like")
	c.Flags().BoolVar(&json, "json", false, "everything as JSON")
	c.MarkFlagsMutuallyExclusive("monitoring", "json")
	return c
}

// checks lists the checks.
func checks() string {
	var b strings.Builder
	for _, c := range check.All {
		b.WriteString("- " + c.Name + ": " + c.What + "\n")
	}
	return b.String()
}
