package hostile

import (
	"context"
	"fmt"
	"strings"

	"github.com/avirkit/avirkit/harness/host"
)

func checkOptions(ctx context.Context, e *env) (string, error) {
	h, err := e.loaded(ctx)
	if err != nil {
		return "", err
	}
	defer e.done(h)
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
