package hostile

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
)

const (
	lifecycle = "lifecycle"

	// neverStarted begins the message of a plugin that doesn't load or start.
	neverStarted = "the plugin does not start: "
)

var interfaceChecks = []Check{
	{lifecycle, "loaded, set options, initialised, scanned, closed and unloaded the plugin, ended the host",
		"each step returns 1 in bounded time", "make the ordinary life of the plugin work first; a wait needs a deadline, in plugin_close too", checkLifecycle},
	{"interface", "looked at the table and at what get_plugin_info fills in",
		"version 2, reserved slots and fields zero, the file's avir_ name, printable ASCII", "fill the table and the info as avApi.h describes", checkInterface},
	{"options", "read and wrote the options with other case, unknown names, full fields and 1000 entries",
		"known names are counted without regard to case; get_plugin_config returns a fresh copy", "compare names without case, bound every copy, allocate the list anew for each caller", checkOptions},
	{"nulls", "called every function with NULL for each pointer in turn",
		"no crash, and no OK for what was not scanned", "check every pointer argument, also the context and vir_info", checkNulls},
	{"order", "called functions out of order: scans before init and after close, init and close twice",
		"no crash, no OK, and a new init works", "keep a state, guard it with a lock, and answer FAILED while it is not running", checkOrder},
	{"error-message", "asked for the error message with buffers of every small size",
		"a text that fits and ends in NUL", "cut the message to bufsize - 1 bytes and end it with NUL; write nothing when bufsize is 0 or less", checkErrorMessage},
}

func checkLifecycle(ctx context.Context, e *env) (string, error) {
	h, err := e.Open(ctx)
	if err != nil {
		return "", fmt.Errorf("%s%w", neverStarted, err)
	}
	defer e.done(h)
	took, err := e.Begin(h)
	if err != nil {
		return "", fmt.Errorf("%s%w", neverStarted, err)
	}
	if err := e.StartWorkers(h, 1, 0); err != nil {
		return "", err
	}
	if err := e.eicarFound(h); err != nil {
		return "", err
	}
	if err := e.Finish(h); err != nil {
		return "", err
	}
	return fmt.Sprintf("init took %s, everything returned", took), nil
}

func checkInterface(ctx context.Context, e *env) (string, error) {
	h, err := e.Open(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	facts, err := e.Load(h)
	if err != nil {
		return "", err
	}
	var p problems
	name, description := facts.Get("name"), facts.Get("description")
	if !strings.HasPrefix(name, "avir_") {
		p.add("get_plugin_info: the name %q does not begin with avir_", name)
	}
	// The name is the library's without path and extension.
	if file := strings.TrimSuffix(filepath.Base(e.Plugin), ".so"); strings.HasPrefix(file, "avir_") && name != file {
		p.add("get_plugin_info: the name is %q in a file called %s.so", name, file)
	}
	if description == "" {
		p.add("get_plugin_info: the description is empty")
	}
	for _, text := range []string{name, description} {
		if !printableASCII(text) {
			p.add("get_plugin_info: %q is not printable ASCII", text)
		}
	}
	if facts.Int("reserved-zero") != 1 {
		p.add("get_plugin_info: the reserved fields are not zero")
	}
	if _, err := h.Call(e.Limit, "get_plugin_extended_iface(NULL)", "call", "get_plugin_extended_iface", "null"); err != nil {
		p.add("%v", err)
	}
	return fmt.Sprintf("%s, %q", name, description), p.err()
}

func printableASCII(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] >= 0x7F {
			return false
		}
	}
	return true
}

func checkErrorMessage(ctx context.Context, e *env) (string, error) {
	h, err := e.loaded(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	var p problems
	sizes := []string{"0", "1", "2", "3", "255", "512", "4096"}
	for _, size := range append(sizes, "-1") {
		what := "get_error_message with bufsize " + size
		room := "[" + strings.TrimPrefix(size, "-")
		facts, err := h.Call(e.Limit, what, "call", "get_error_message", room, "#"+size)
		switch {
		case err != nil:
			p.add("%v", err)
			return "", p.err()
		case facts.Int("overrun") > 0:
			p.add("%s: wrote %d bytes outside of the buffer", what, facts.Int("overrun"))
		case size != "-1" && facts.Int("unterminated") != 0:
			p.add("%s: the text has no ending NUL", what)
		case size != "-1" && !printableASCII(facts.Get("text")):
			p.add("%s: the text is not printable ASCII: %q", what, facts.Get("text"))
		}
	}
	return fmt.Sprintf("%d sizes", len(sizes)+1), p.err()
}
