package command

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/avirkit/avirkit/harness/avirctl/guide"
	"github.com/avirkit/avirkit/harness/avirctl/machine"
	"github.com/avirkit/avirkit/harness/avirctl/product"
	"github.com/avirkit/avirkit/harness/report"
)

func logsCommand() *cobra.Command {
	var root string
	most := 20
	c := &cobra.Command{
		Use:   "logs",
		Short: "shows what the products' logs say of the antivirus",
		Long: `logs looks for the products' own logs and shows the last lines of each that name the antivirus, with what the
administrator's guide says to do about them.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if most < 1 {
				return fmt.Errorf("--lines %d: needs a number from 1 on", most)
			}
			m := machine.New(root)
			logs := 0
			var places []string
			for _, p := range product.All {
				places = append(places, p.Logs)
				for _, path := range m.Glob(p.Logs) {
					text, err := m.ReadFile(path)
					if err != nil {
						fmt.Fprintf(c.ErrOrStderr(), "avirctl: %v\n", err)
						continue
					}
					logs++
					showLog(c, path, antivirusLines(string(text)), most)
				}
			}
			if logs == 0 {
				who := "run this as root, or "
				if os.Geteuid() == 0 {
					who = ""
				}
				return fmt.Errorf("no log of a product can be read at %s: %slook into the product's console", strings.Join(places, " or "), who)
			}
			return nil
		},
	}
	c.Flags().IntVar(&most, "lines", most, "show at most `N` lines of each log")
	rootFlag(c, &root)
	return c
}

// antivirusLines are those that name a plugin or the antivirus server.
func antivirusLines(text string) []string {
	var found []string
	for _, line := range strings.Split(text, "\n") {
		lower := strings.ToLower(line)
		if strings.Contains(lower, "avir_") || strings.Contains(lower, "avserver") || strings.Contains(lower, "clamd") {
			found = append(found, line)
		}
	}
	return found
}

func showLog(c *cobra.Command, path string, lines []string, most int) {
	if len(lines) > most {
		lines = lines[len(lines)-most:]
	}
	w := c.OutOrStdout()
	fmt.Fprintf(w, "%s: %d lines\n", filepath.Clean(path), len(lines))
	for _, line := range lines {
		fmt.Fprintf(w, "  %s\n", report.Printable(strings.ReplaceAll(line, "\t", " ")))
		if remedy := guide.Explain(line); remedy != "" {
			fmt.Fprintf(w, "      to do: %s\n", remedy)
		}
	}
}
