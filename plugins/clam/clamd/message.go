package clamd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/avirkit/avirkit/api"
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
func (c *Client) result(r reply, s *server, file api.File) api.Result {
	switch r.kind {
	case clean:
		return api.Result{Verdict: api.OK}
	case found:
		if r.text == "" {
			r.text = "unnamed virus"
		}
		return api.Result{Verdict: api.VirusFound, Text: r.text}
	case overLimit:
		return c.policy(c.OnLimit, r.text, fmt.Sprintf("over a limit of clamd at %s: %s", s.addr, shorten(r.text, maxQuote)), file)
	case encrypted:
		return c.policy(c.OnEncrypted, r.text, "encrypted: "+shorten(r.text, maxQuote), file)
	case broken:
		return api.Result{Verdict: api.Impossible, Text: message("corrupted: "+shorten(r.text, maxQuote), "", file)}
	}
	text := fmt.Sprintf("clamd at %s did not scan: %q", s.addr, shorten(r.text, maxQuote))
	return api.Result{Verdict: api.Failed, Text: message(text, "see its log", file)}
}

// policy answers with a verdict of the administrator's choice. The text of a
// virus is its name, that of the others a reason.
func (c *Client) policy(v api.Verdict, name, reason string, file api.File) api.Result {
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

// remedy says what an administrator can do about an error.
func remedy(err error) string {
	switch {
	case errors.Is(err, errLost) && errors.Is(err, syscall.EACCES):
		return "may this user open the socket?"
	case errors.Is(err, errClosed), errors.Is(err, context.Canceled), errors.Is(err, errUnfit):
		return ""
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOENT) && errors.Is(err, errLost):
		return "does clamd run, and are Address and Port right?"
	case errors.Is(err, errLost), errors.Is(err, errDeadline):
		return "see the log of clamd"
	}
	return ""
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
