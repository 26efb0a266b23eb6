package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/avirkit/avirkit/harness/hostile"
	"github.com/avirkit/avirkit/harness/progress"
)

const about = `Tests an antivirus plugin in a host that behaves as the product's antivirus server.

Without a command it shows a menu of the tests, as the reference program does.

Exit status: 0 all that was asked for ran and passed, 1 something failed or did not run, 2 wrong use.`

// commands returns the command line. Each execution needs a new one.
func commands() *cobra.Command {
	o := defaults()
	root := &cobra.Command{
		Use: "harness", Short: "test an antivirus plugin", Long: about, Version: version,
		SilenceUsage: true, SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return noneEmpty(cmd.Flags()) },
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.list {
				return errors.New("--list is for run hostile")
			}
			var err error
			if o.test, err = menu(cmd.Context(), os.Stdin, os.Stdout); err != nil {
				return err
			}
			return o.do(cmd, o.runTests)
		},
	}
	root.SetVersionTemplate("harness {{.Version}}\n")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return wrongFlag(err) })
	o.hostFlags(root.PersistentFlags())
	o.testFlags(root.Flags())
	root.AddCommand(o.runCommand(), o.footprintCommand(), o.benchCommand())
	for _, c := range root.Commands() {
		c.Flags().SortFlags = false
	}
	root.Flags().SortFlags, root.PersistentFlags().SortFlags = false, false
	return root
}

func (o *options) runCommand() *cobra.Command {
	names := testNames()
	c := &cobra.Command{
		Use: "run TEST", Short: "run a test: " + strings.Join(names, ", "), ValidArgs: names,
		Long: `Runs one of the four tests of the reference program, the hostile test, or all five.

generate   writes the samples
scanning   scans each sample five times on threads that come and go
waiting    scans with one context, waits, and scans again
server     runs the plugin in three servers: one is stopped, one killed, one left alone
hostile    what a plugin must survive in somebody else's process; --list names its checks`,
		Args: oneTest,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.test = args[0]
			switch {
			case !o.list:
				return o.do(cmd, o.runTests)
			case o.test != "hostile":
				return errors.New("--list is for run hostile")
			}
			return listChecks(os.Stdout)
		},
	}
	o.testFlags(c.Flags())
	return c
}

func (o *options) footprintCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "footprint", Short: "measure memory, threads and wake-ups after load, init, contexts and scans", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.do(cmd, o.footprint) },
	}
	o.footprintFlags(c.Flags())
	return c
}

func (o *options) benchCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "bench --file FILE", Short: "measure the time of one scan call in the host", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.do(cmd, o.bench) },
	}
	o.benchFlags(c.Flags())
	return c
}

// do checks what the command needs, and runs it. An error before that is wrong
// use, and one of the command itself a failure.
func (o *options) do(cmd *cobra.Command, action action) error {
	o.command = cmd.Name()
	if err := o.prepare(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	o.run.Show = progress.New(os.Stdout, cancel)
	err := action(ctx, os.Stdout)
	if err == nil || errors.As(err, new(failure)) {
		return err
	}
	return failure{err}
}

func testNames() (names []string) {
	for _, t := range suite(nil) {
		names = append(names, t.Name)
	}
	return append(names, "all")
}

func oneTest(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return seeHelp(errors.New("run needs the name of a test"))
	case len(args) > 1:
		return seeHelp(fmt.Errorf("run takes one test, not also %q", args[1]))
	case cobra.OnlyValidArgs(cmd, args) != nil:
		return seeHelp(fmt.Errorf("there is no test %q: use %s", args[0], strings.Join(cmd.ValidArgs, ", ")))
	}
	return nil
}

func listChecks(w io.Writer) error {
	for _, c := range hostile.All() {
		if _, err := fmt.Fprintf(w, "%-24s %s\n", c.Name, c.Did); err != nil {
			return failure{err}
		}
	}
	return nil
}

// noneEmpty refuses an option with an empty value. It comes from a variable that
// a script forgot to set, and the floor, or the report, would silently be none.
func noneEmpty(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		if f.Value.Type() == "string" && f.Value.String() == "" {
			err = seeHelp(fmt.Errorf("--%s needs a value, not an empty one", f.Name))
		}
	})
	return err
}

// wrongFlag says what is wrong in the words of this program.
func wrongFlag(err error) error {
	var unknown *pflag.NotExistError
	var bare *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		err = fmt.Errorf("unknown option %q", "--"+unknown.GetSpecifiedName())
	case errors.As(err, &bare):
		err = fmt.Errorf("--%s needs a value", bare.GetSpecifiedName())
	case errors.As(err, &invalid):
		err = fmt.Errorf("--%s %s: %w", invalid.GetFlag().Name, invalid.GetValue(), invalid.Unwrap())
	}
	return seeHelp(err)
}

func seeHelp(err error) error { return fmt.Errorf("%w (see harness --help)", err) }
