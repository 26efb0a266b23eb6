package clamd

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/avirkit/avirkit/api"
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
		return c.policy(c.OnLimit, r.text, fmt.Sprintf("over a limit of clamd at %s: %s", s.addr, r.text), file)
	case encrypted:
		return c.policy(c.OnEncrypted, r.text, "encrypted: "+r.text, file)
	case broken:
		return api.Result{Verdict: api.Impossible, Text: "corrupted: " + r.text + ": " + label(file)}
	}
	return api.Result{Verdict: api.Failed, Text: fmt.Sprintf("clamd at %s did not scan: %q: see its log: %s", s.addr, r.text, label(file))}
}

// policy answers with a verdict of the administrator's choice. The text of a
// virus is its name, that of the others a reason.
func (c *Client) policy(v api.Verdict, name, reason string, file api.File) api.Result {
	if v == api.VirusFound {
		return api.Result{Verdict: v, Text: name}
	}
	return api.Result{Verdict: v, Text: reason + ": " + label(file)}
}

// failure is the answer for a file that could not be scanned.
func failure(file api.File, err error) api.Result {
	text := err.Error()
	if advice := remedy(err); advice != "" {
		text += ": " + advice
	}
	return api.Result{Verdict: api.Failed, Text: text + ": " + label(file)}
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

// label is how a message names a file: as the user knows it, and its end if
// it is long.
func label(file api.File) string {
	const most = 64
	name := file.RealName
	if name == "" {
		name = file.Path
	}
	if len(name) > most {
		name = "..." + name[len(name)-most:]
	}
	return name
}
