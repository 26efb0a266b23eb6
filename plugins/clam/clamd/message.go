package clamd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/avirkit/avirkit/api"
	"github.com/avirkit/avirkit/plugins/clam/wire"
)

const (
	// maxText is how much of a message the host takes.
	maxText = 255

	// maxQuote is how much of a reply of clamd goes into a message.
	maxQuote = 80

	// maxFileName is how much of a file's name does.
	maxFileName = 64
)

// result turns a reply into the answer for the host.
func (c *Client) result(r wire.Reply, s *server, file api.File) api.Result {
	if rule, ok := c.ruleFor(r); ok {
		if rule.Verdict == api.OK {
			c.log.Warningf("%s is OK by option Names (%s), though clamd at %s found %s", label(file), rule.Pattern, s.addr, r.Text)
			return api.Result{Verdict: api.OK}
		}
		return policy(rule.Verdict, r.Text, fmt.Sprintf("%s, by option Names (%s)", shorten(r.Text, maxQuote), rule.Pattern), file)
	}
	switch meaning(r) {
	case clean:
		return api.Result{Verdict: api.OK}
	case virus:
		if r.Text == "" {
			r.Text = "unnamed virus"
		}
		return api.Result{Verdict: api.VirusFound, Text: r.Text}
	case overLimit:
		return policy(c.OnLimit, r.Text, fmt.Sprintf("over a limit of clamd at %s: %s", s.addr, shorten(r.Text, maxQuote)), file)
	case encrypted:
		return policy(c.OnEncrypted, r.Text, "encrypted: "+shorten(r.Text, maxQuote), file)
	case broken:
		return api.Result{Verdict: api.Impossible, Text: message("corrupted: "+shorten(r.Text, maxQuote), "", file)}
	}
	text := fmt.Sprintf("clamd at %s did not scan: %q", s.addr, shorten(r.Text, maxQuote))
	return api.Result{Verdict: api.Failed, Text: message(text, "see its log", file)}
}

// policy answers with a verdict of the administrator's choice. The text of a
// virus is its name, that of the others a reason.
func policy(v api.Verdict, name, reason string, file api.File) api.Result {
	if v == api.VirusFound {
		return api.Result{Verdict: v, Text: name}
	}
	return api.Result{Verdict: v, Text: message(reason, "", file)}
}

// failure is the answer for a file that could not be scanned.
func failure(file api.File, err error) api.Result {
	return api.Result{Verdict: api.Failed, Text: message(err.Error(), remedy(err), file)}
}

// message says what went wrong, what to do about it, and with which file. The
// host cuts at maxText; here it is the middle of what went wrong that goes.
func message(problem, advice string, file api.File) string {
	end := ": " + label(file)
	if advice != "" {
		end = ": " + advice + end
	}
	return shorten(problem, maxText-len(end)) + end
}

// shorten cuts the middle out of a text that is longer than most bytes: its
// beginning says what was done and its end why that went wrong.
func shorten(text string, most int) string {
	const gap = "..."
	if len(text) <= most {
		return text
	}
	head := (most - len(gap)) / 2
	tail := len(text) - (most - len(gap) - head)
	for head > 0 && !utf8.RuneStart(text[head]) {
		head--
	}
	for tail < len(text) && !utf8.RuneStart(text[tail]) {
		tail++
	}
	return strings.TrimSpace(text[:head]) + gap + strings.TrimSpace(text[tail:])
}

// remedy says what an administrator can do about an error, if the error
// doesn't.
func remedy(err error) string {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "DNS doesn't know this name: is it right in option Address?"
	case errors.As(err, &dns):
		return "does DNS work on this machine (/etc/resolv.conf)?"
	case errors.Is(err, errClosed), errors.Is(err, context.Canceled), errors.Is(err, errUnfit), errors.Is(err, errRefused):
		return ""
	case errors.Is(err, wire.ErrForeign):
		return "are Address and Port right?"
	case errors.Is(err, wire.ErrLost) && errors.Is(err, syscall.EACCES):
		return "may this user open the socket?"
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOENT) && errors.Is(err, wire.ErrLost):
		return "does clamd run, and are Address and Port right?"
	case errors.Is(err, wire.ErrSilent):
		return "does clamd hang, or is its queue full?"
	case errors.Is(err, wire.ErrLost), errors.Is(err, wire.ErrDeadline):
		return "see the log of clamd"
	}
	return ""
}

// withRemedy is an error as one line of the log.
func withRemedy(err error) string {
	if advice := remedy(err); advice != "" {
		return fmt.Sprintf("%v: %s", err, advice)
	}
	return err.Error()
}

// label is how a message names a file: as the user knows it, and without its
// middle if it is long.
func label(file api.File) string {
	name := file.RealName
	if name == "" {
		name = file.Path
	}
	return shorten(name, maxFileName)
}
