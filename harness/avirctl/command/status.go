package command

import (
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/avirkit/avirkit/harness/avirctl/machine"
	"github.com/avirkit/avirkit/harness/avirctl/status"
	"github.com/avirkit/avirkit/harness/report"
)

// statusPlaces are where the guide proposes the file of the option StatusFile.
var statusPlaces = []string{
	"/var/lib/prometheus/node-exporter/avirkit.prom", // Debian's collector
	"/var/lib/node_exporter/avirkit.prom",            // EPEL's
	"/run/avirkit.prom",
}

// watchEvery is how often --watch looks. The plugin writes every 15 s at most.
const watchEvery = 2 * time.Second

func statusCommand() *cobra.Command {
	var file, root string
	var watch bool
	c := &cobra.Command{
		Use:   "status",
		Short: "shows what the plugin in the running server has done",
		Long: `status reads the file that the plugin in the product's running server writes where its option StatusFile says: scans by
answer, their time, and the state of each clamd. Without that option there is no such file.

An old file is no fault: the plugin writes only when something happens. Whether it still runs is told by a lock that it has
on the file.

The exit status is 0 if all servers are up, 1 if some are down, 2 if all are or the plugin has ended without removing its
file, 3 without a status file.`,
		Example: "  avirctl status --watch",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			m := machine.New(root)
			if file == "" {
				for _, place := range statusPlaces {
					if m.Exists(place) {
						file = place
						break
					}
				}
			}
			if file == "" {
				return fmt.Errorf("there is no status file at %s: set the plugin's option StatusFile in the console, and name its file with --file", strings.Join(statusPlaces, ", "))
			}
			if watch {
				return watchStatus(c, m, file)
			}
			s, err := showStatus(c.OutOrStdout(), m, file)
			if err != nil {
				return err
			}
			return exit(s.exit())
		},
	}
	c.Flags().StringVar(&file, "file", "", "the status `FILE` (default: looked for where the guide proposes it)")
	c.Flags().BoolVar(&watch, "watch", false, "show it again and again, on a terminal")
	rootFlag(c, &root)
	return c
}

func watchStatus(c *cobra.Command, m *machine.Machine, file string) error {
	if info, err := os.Stdout.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return fmt.Errorf("--watch needs a terminal")
	}
	every := time.NewTicker(watchEvery)
	defer every.Stop()
	for {
		var text strings.Builder
		if _, err := showStatus(&text, m, file); err != nil {
			fmt.Fprintln(&text, err) // the plugin may write it later
		}
		const clear = "\x1b[H\x1b[J"
		fmt.Fprint(c.OutOrStdout(), clear, text.String())
		select {
		case <-c.Context().Done():
			return nil
		case <-every.C:
		}
	}
}

// shownStatus is a status that was printed.
type shownStatus struct{ status.File }

// exit tells of servers that are down.
func (s shownStatus) exit() int {
	if s.Abandoned {
		return 2
	}
	down := 0
	for _, server := range s.Servers {
		if !server.Up {
			down++
		}
	}
	switch down {
	case 0:
		return 0
	case len(s.Servers):
		return 2
	}
	return 1
}

func showStatus(to io.Writer, m *machine.Machine, file string) (shownStatus, error) {
	s, err := status.Read(m.Path(file))
	if err != nil {
		return shownStatus{}, err
	}
	w := new(strings.Builder)
	now := m.Now()
	fmt.Fprintf(w, "avir_clam %s, started %s; %s was written %s ago, and is written again when something happens\n",
		s.Version, s.Started.Format("2006-01-02 15:04"), file, now.Sub(s.Written).Round(time.Second))
	if s.Abandoned {
		fmt.Fprintf(w, "STOPPED: the plugin that wrote this has ended without a word, as when its server is killed; what follows was so until then\n"+
			"to do: look whether the product runs, and switch its antivirus off and on in the console\n")
	}
	fmt.Fprintf(w, "scans: %.0f clean, %.0f with a virus, %.0f that can't be checked, %.0f failed; %.1f MB",
		s.Scans["ok"], s.Scans["virus"], s.Scans["impossible"], s.Scans["failed"]+s.Scans["error"], s.Bytes/1e6)
	if s.Median > 0 {
		fmt.Fprintf(w, "; half of them took at most %v", s.Median)
	}
	fmt.Fprintf(w, "; %.0f were repeated\n\n", s.Repeats)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "server\tstate\tsessions\tlast self-test\tClamAV\tsignatures")
	for _, server := range s.Servers {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\n", server.Name, state(server.Up), server.Sessions, tested(server, now), server.Engine, signatures(server, now))
	}
	if err := t.Flush(); err != nil {
		return shownStatus{}, err
	}
	_, err = io.WriteString(to, report.Printable(w.String())) // labels may hold anything
	return shownStatus{s}, err
}

func state(up bool) string {
	if up {
		return "up"
	}
	return "DOWN"
}

func tested(s status.Server, now time.Time) string {
	switch {
	case s.Tested.IsZero():
		return "none yet"
	case s.Passed:
		return fmt.Sprintf("passed %s ago", now.Sub(s.Tested).Round(time.Second))
	}
	return fmt.Sprintf("FAILED %s ago", now.Sub(s.Tested).Round(time.Second))
}

func signatures(s status.Server, now time.Time) string {
	if s.Made.IsZero() {
		return "unknown"
	}
	return fmt.Sprintf("%s, %.0f hours old", s.Database, now.Sub(s.Made).Hours())
}
