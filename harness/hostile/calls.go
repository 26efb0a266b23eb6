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
	h, err := e.loaded(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
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
