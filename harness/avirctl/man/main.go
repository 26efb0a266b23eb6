// man writes the manual pages avirctl(8), avirctl-check(8) and so on into a
// folder. They have the same texts as avirctl --help.
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra/doc"

	"github.com/avirkit/avirkit/harness/avirctl/command"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: man FOLDER")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintf(os.Stderr, "man: %v\n", err)
		os.Exit(1)
	}
}

// write makes the folder's pages. They have no date of their own, so that they
// change only with the texts.
func write(folder string) error {
	root := command.New("")
	root.DisableAutoGenTag = true
	date := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	return doc.GenManTree(root, &doc.GenManHeader{Section: "8", Source: "avirkit", Manual: "avirkit", Date: &date}, folder)
}
