// Package command is avirctl's command line. The manual page is made from it.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/avirkit/avirkit/harness/avirctl/check"
	"github.com/avirkit/avirkit/harness/avirctl/machine"
	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/report"
)

// Status is an exit status that says what was found; everything has been
// printed.
type Status struct{ Exit int }

func (s *Status) Error() string { return fmt.Sprintf("exit status %d", s.Exit) }

// CannotTell is the exit status when avirctl could not do what it was asked,
// which monitoring systems show as unknown.
const CannotTell = 3

// exit turns a status into an error, 0 into none.
func exit(status int) error {
	if status == 0 {
		return nil
	}
	return &Status{status}
}

// Run runs the command line and returns the exit status.
func Run(ctx context.Context, version string, args []string, out, errs io.Writer) int {
	root := New(version)
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errs)
	err := root.ExecuteContext(ctx)
	status := new(Status)
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return status.Exit
	case slices.ContainsFunc(args, func(a string) bool { return a == "--monitoring" || strings.HasPrefix(a, "--monitoring=") }): // which reads standard output only
		said := strings.Join(strings.Fields(err.Error()), " ")
		_ = check.MonitoringLine(out, "UNKNOWN", report.Printable(said), "")
	case ctx.Err() != nil: // the plugin's host was killed with us, and err blames it
		fmt.Fprintln(errs, "avirctl: stopped by a signal")
	default:
		fmt.Fprintf(errs, "avirctl: %v\n", err)
	}
	return CannotTell
}

// New returns the command line.
func New(version string) *cobra.Command {
	root := &cobra.Command{
		Use:   "avirctl",
		Short: "tells whether mail is being scanned",
		Long: `avirctl looks at an antivirus plugin of Kerio Connect or Kerio Control, at the
clamd behind it, and at what both need. It changes nothing.`,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetVersionTemplate("avirctl {{.Version}}\n")
	root.AddCommand(checkCommand(), scanCommand(), statusCommand(), logsCommand())
	return root
}

// look are the options of commands that look at a machine or run a plugin.
type look struct {
	check.Options
	root     string
	settings []string
	hosts    string
}

func (l *look) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&l.Product, "product", "", "connect or control (default: the one that is installed)")
	f.StringVar(&l.Plugin, "plugin", "", "the plugin's `FILE` (default: avir_clam.so in the product's folder)")
	f.StringArrayVar(&l.settings, "set", nil, "an option of the plugin as in the console, `OPTION=VALUE`; may be repeated")
	f.StringVar(&l.User, "user", "", "`USER` who runs the product (default: looked up among the processes)")
	f.StringVar(&l.hosts, "hosts", "", "`FOLDER` of the host programs (default: beside avirctl, then "+packaged+")")
	rootFlag(c, &l.root)
}

// rootFlag adds the option that tests use.
func rootFlag(c *cobra.Command, root *string) {
	c.Flags().StringVar(root, "root", "", "look at the system below this `FOLDER`")
	_ = c.Flags().MarkHidden("root") // it fails for an unknown name only
}

// packaged is where packages put the host programs.
const packaged = "/usr/lib/avirkit"

// ready fills in what the flags say.
func (l *look) ready() error {
	l.Machine = machine.New(l.root)
	for _, s := range l.settings {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return fmt.Errorf("--set %s: needs the form OPTION=VALUE", s)
		}
		if len(name) > host.MaxName || len(value) > host.MaxValue {
			return fmt.Errorf("--set %s: an option's name has at most %d bytes, its value %d", s, host.MaxName, host.MaxValue)
		}
		l.Settings = append(l.Settings, host.Setting{Name: name, Value: value})
	}
	if l.Plugin != "" && l.root == "" {
		path, err := filepath.Abs(l.Plugin) // dlopen takes a name without a slash for a library of the system
		if err != nil {
			return err
		}
		l.Plugin = path
	}
	if l.hosts != "" {
		l.Hosts = []string{l.hosts}
		return nil
	}
	if self, err := os.Executable(); err == nil {
		l.Hosts = []string{filepath.Dir(self), filepath.Dir(filepath.Dir(self))}
	}
	l.Hosts = append(l.Hosts, packaged)
	return nil
}
