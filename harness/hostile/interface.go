package hostile

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/samples"
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
		"version 2, reserved slots and fields zero, an avir_ name, printable ASCII", "fill the table and the info as avApi.h describes", checkInterface},
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

func checkOptions(ctx context.Context, e *env) (string, error) {
	h, err := e.Open(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	if _, err := e.Load(h); err != nil {
		return "", err
	}
	before, err := h.Call(e.Limit, "get_plugin_config", "options")
	if err != nil {
		return "", err
	}
	var p problems
	if len(before.Keys) > 0 {
		p = append(p, setByCase(e, h, before.Keys[0])...)
	}
	for _, call := range []struct {
		args []string
		want int
	}{
		{[]string{"set_plugin_config", "settings0"}, 0},
		{[]string{"set_plugin_config", "settings1000"}, 0},
		{[]string{"set_plugin_config", "full"}, 0},
	} {
		facts, err := h.Call(e.Limit, strings.Join(call.args, " "), "call", call.args...)
		if err != nil {
			return "", err
		}
		if got := facts.Int("result"); got != call.want {
			p.add("%s: returned %d, not the %d known names", strings.Join(call.args, " "), got, call.want)
		}
	}
	for i := range 2 {
		facts, err := h.Call(e.Limit, "get_plugin_config", "call", "get_plugin_config")
		if err != nil {
			return "", err
		}
		if i > 0 && facts.Int("fresh") != 1 {
			p.add("get_plugin_config: two calls returned the same list, the caller must get its own")
		}
	}
	if _, err := h.Call(e.Limit, "free_plugin_config", "call", "free_plugin_config", "options"); err != nil {
		return "", err
	}
	after, err := h.Call(e.Limit, "get_plugin_config", "options")
	if err != nil {
		return "", err
	}
	if strings.Join(after.Keys, "\n") != strings.Join(before.Keys, "\n") {
		p.add("get_plugin_config: the names or their order changed: %q, then %q", before.Keys, after.Keys)
	}
	return fmt.Sprintf("%d options", len(before.Keys)), p.err()
}

// setByCase sets an option by its name in capitals, with the longest value.
func setByCase(e *env, h *host.Host, name string) (p problems) {
	value := strings.Repeat("v", 127)
	facts, err := h.Call(e.Limit, "set_plugin_config", "set", strings.ToUpper(name), value, "unknown option", "x")
	if err != nil {
		p.add("%v", err)
		return p
	}
	if got := facts.Int("known"); got != 1 {
		p.add("set_plugin_config: returned %d for %q and an unknown option, not 1", got, strings.ToUpper(name))
	}
	facts, err = h.Call(e.Limit, "get_plugin_config", "options")
	switch {
	case err != nil:
		p.add("%v", err)
	case facts.Get(name) != value:
		p.add("get_plugin_config: %q is %q after it was set to 127 bytes by a name in other case", name, facts.Get(name))
	}
	return p
}

// nullCall is one call of a list, and which results are wrong.
type nullCall struct {
	call string // the request of avserver/call.c, with PATH for the EICAR sample
	bad  func(result int) string
}

func anything(int) string { return "" }

func notOK(result int) string {
	if result == int(host.OK) {
		return "answered OK for a file that it did not scan"
	}
	return ""
}

func found(result int) string {
	if result != int(host.VirusFound) {
		return fmt.Sprintf("answered %s, not VIRUS_FOUND", host.Verdict(result))
	}
	return ""
}

func zero(result int) string {
	if result != 0 {
		return fmt.Sprintf("returned %d, not 0", result)
	}
	return ""
}

var nullCalls = []nullCall{
	{"get_plugin_info null", anything},
	{"get_error_message null #0", anything},
	{"get_error_message null #100", anything},
	{"set_plugin_config null", zero},
	{"free_plugin_config null", anything},
	{"plugin_thread_init null", zero},
	{"plugin_thread_close null", zero},
	{"plugin_thread_close &context2", zero}, // context2 is NULL
	{"plugin_thread_test_file null =PATH =PATH null #0 [256 #256", notOK},
	{"plugin_thread_test_file context1 null =PATH null #0 [256 #256", notOK},
	{"plugin_thread_test_file context1 null null null #0 null #0", notOK},
	{"plugin_thread_test_file context1 = =PATH null #0 [256 #256", notOK},
	{"plugin_thread_test_file context1 =PATH null null #0 [256 #256", found},
	{"plugin_thread_test_file context1 =PATH =PATH null #0 null #256", found},
	{"plugin_thread_test_file context1 =PATH =PATH null #0 null #0", found},
	{"plugin_thread_close &context1", anything},
	{"plugin_thread_close &context1", zero}, // closed already
	{"plugin_init null", anything},
}

func checkNulls(ctx context.Context, e *env) (string, error) {
	p, err := e.calls(ctx, nullCalls)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d calls returned", len(nullCalls)), p.err()
}

// calls makes each call on one thread that has context1, and starts a new host
// after a call that ended the old one.
func (e *env) calls(ctx context.Context, list []nullCall) (p problems, err error) {
	var h *host.Host
	defer func() { e.done(h) }()
	for _, c := range list {
		if h == nil {
			if h, err = e.Ready(ctx); err != nil {
				return p, err
			}
			if _, err := h.Call(e.Limit, "plugin_thread_init", "call", "plugin_thread_init", "&context1"); err != nil {
				return p, err
			}
		}
		facts, err := h.Call(e.prompt(), readable(c.call), "call", callArgs(c.call, "="+e.Path(samples.Eicar))...)
		if err != nil {
			p.add("%v", err)
			if host.IsFatal(err) {
				e.done(h)
				h = nil
			}
			continue
		}
		if wrong := c.bad(facts.Int("result")); wrong != "" {
			p.add("%s: %s", readable(c.call), wrong)
		}
	}
	return p, nil
}

// callArgs splits a call into words and puts the path in.
func callArgs(call, path string) []string {
	args := strings.Fields(call)
	for i := range args {
		if args[i] == "=PATH" {
			args[i] = path
		}
	}
	return args
}

// readable writes a call as an author knows it.
func readable(call string) string {
	name, args, _ := strings.Cut(call, " ")
	args = strings.NewReplacer("null", "NULL", "=PATH", "file", "= ", "\"\" ", "#", "", "[", "vir_info:").Replace(args)
	return name + "(" + strings.Join(strings.Fields(args), ", ") + ")"
}

func checkOrder(ctx context.Context, e *env) (string, error) {
	h, err := e.Open(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	if _, err := e.Load(h); err != nil {
		return "", err
	}
	if _, err := e.Set(h); err != nil {
		return "", err
	}
	var p problems
	eicar := "=" + filepath.Clean(e.Path(samples.Eicar))
	scan := []string{"call", "plugin_thread_test_file", "context1", eicar, eicar, "null", "#0", "[256", "#256"}
	steps := []struct {
		what string
		bad  func(int) string
		args []string
	}{
		{"plugin_close before plugin_init", anything, []string{"close"}},
		{"plugin_thread_init before plugin_init", anything, []string{"call", "plugin_thread_init", "&context1"}},
		{"a scan before plugin_init", notOK, scan},
		{"plugin_thread_close before plugin_init", anything, []string{"call", "plugin_thread_close", "&context1"}},
		{"plugin_init", anything, []string{"init"}},
		{"plugin_init a second time", anything, []string{"call", "plugin_init", "log"}},
		{"plugin_thread_init", anything, []string{"call", "plugin_thread_init", "&context1"}},
		{"a scan after two plugin_init", notOK, scan},
		{"plugin_close", anything, []string{"close"}},
		{"a scan after plugin_close", notOK, scan},
		{"plugin_close a second time", anything, []string{"close"}},
		{"plugin_thread_close after plugin_close", anything, []string{"call", "plugin_thread_close", "&context1"}},
		{"plugin_init after plugin_close", anything, []string{"init"}},
		{"plugin_thread_init", anything, []string{"call", "plugin_thread_init", "&context1"}},
		{"a scan after the new plugin_init", found, scan},
	}
	for _, s := range steps {
		limit := e.Limit
		if strings.Contains(s.what, "plugin_init") {
			limit *= host.InitFactor
		}
		facts, err := h.Call(limit, s.what, s.args[0], s.args[1:]...)
		var refused *host.Refused
		switch {
		case errors.As(err, &refused):
			p.add("%s: %s", s.what, refused.Text)
		case err != nil:
			p.add("%v", err)
			return "", p.err()
		default:
			if wrong := s.bad(facts.Int("result")); wrong != "" {
				p.add("%s: %s", s.what, wrong)
			}
		}
	}
	return fmt.Sprintf("%d steps", len(steps)), p.err()
}

func checkErrorMessage(ctx context.Context, e *env) (string, error) {
	h, err := e.Open(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
	if _, err := e.Load(h); err != nil {
		return "", err
	}
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
