package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// menu asks for a test as the reference program does.
func menu(ctx context.Context, stdin io.Reader, stdout io.Writer) (string, error) {
	fmt.Fprintln(stdout, "Available tests:")
	list := suite(nil)
	for i, t := range list {
		fmt.Fprintf(stdout, "%d: %s\n", i, t.Title)
	}
	fmt.Fprint(stdout, "Enter the number of the test: ")
	lines := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(stdin).ReadString('\n') // an empty line says enough
		lines <- strings.TrimSpace(line)
	}()
	var text string
	select {
	case text = <-lines:
	case <-ctx.Done(): // a read from a terminal can't be interrupted
	}
	if text == "" {
		return "", errors.New("no test was chosen: type its number, or use harness run TEST")
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n >= len(list) {
		return "", fmt.Errorf("there is no test %q: the numbers are 0 to %d", text, len(list)-1)
	}
	return list[n].Name, nil
}
