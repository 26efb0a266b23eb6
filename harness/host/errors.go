package host

import (
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// Refused is an answer that says no: the plugin's own error or avserver's.
type Refused struct{ During, Text string }

func (e *Refused) Error() string { return fmt.Sprintf("%s: %s", e.During, e.Text) }

// Died says that the host process ended in the middle of something.
type Died struct {
	During string
	How    string // "was killed by SIGSEGV", "ended with exit status 3"
	Stderr string // the first lines that were written to descriptor 2
}

func (e *Died) Error() string {
	text := fmt.Sprintf("the host %s during %s", e.How, e.During)
	if e.Stderr != "" {
		text += ": " + e.Stderr
	}
	return text
}

// uncaught is how libstdc++ and libc++ begin when they end the process.
var uncaught = regexp.MustCompile(`terminate called|libc\+\+abi: terminating`)

// Uncaught returns what to change in a plugin that C++ ended, and so its host,
// or "". A check's own advice would mislead: the exception came first.
func Uncaught(err error) string {
	if !uncaught.MatchString(err.Error()) {
		return ""
	}
	return "let no C++ exception leave your functions or a thread of yours, and join threads before their std::thread is destroyed, also where a constructor fails"
}

// RefusedOption tells that avserver could not do what one of its options asks
// for, a fact of the machine: the plugin was not loaded yet.
func (e *Died) RefusedOption() bool {
	return e.How == "ended with exit status 2" && strings.HasPrefix(e.Stderr, "avserver: --")
}

// Hung says that something took longer than its limit.
type Hung struct {
	During string
	Limit  time.Duration
}

func (e *Hung) Error() string {
	return fmt.Sprintf("the host hung during %s: no answer within %s", e.During, e.Limit)
}

// died describes the end of a process that is gone.
func (h *Host) died(during string) error {
	<-h.ended
	return &Died{During: during, How: h.how(), Stderr: excerpt(h.stderr.String())}
}

func (h *Host) how() string {
	status, ok := h.cmd.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case !ok:
		return "ended"
	case status.Signaled():
		return "was killed by " + SignalName(status.Signal())
	default:
		return fmt.Sprintf("ended with exit status %d", status.ExitStatus())
	}
}

// Signal returns the name of the signal that ended the process, or "".
func (h *Host) Signal() string {
	status, ok := h.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return ""
	}
	return SignalName(status.Signal())
}

// ExitStatus returns the status of a process that ended by itself, or -1.
func (h *Host) ExitStatus() int { return h.cmd.ProcessState.ExitCode() }

// SignalName returns the name that administrators know: SIGSEGV.
func SignalName(s syscall.Signal) string {
	names := map[syscall.Signal]string{
		syscall.SIGABRT: "SIGABRT", syscall.SIGALRM: "SIGALRM", syscall.SIGBUS: "SIGBUS",
		syscall.SIGFPE: "SIGFPE", syscall.SIGHUP: "SIGHUP", syscall.SIGILL: "SIGILL",
		syscall.SIGINT: "SIGINT", syscall.SIGKILL: "SIGKILL", syscall.SIGPIPE: "SIGPIPE",
		syscall.SIGPROF: "SIGPROF", syscall.SIGQUIT: "SIGQUIT", syscall.SIGSEGV: "SIGSEGV",
		syscall.SIGSYS: "SIGSYS", syscall.SIGCHLD: "SIGCHLD", syscall.SIGIO: "SIGIO", syscall.SIGTERM: "SIGTERM", syscall.SIGTRAP: "SIGTRAP",
		syscall.SIGURG: "SIGURG", syscall.SIGUSR1: "SIGUSR1", syscall.SIGUSR2: "SIGUSR2",
	}
	if name, ok := names[s]; ok {
		return name
	}
	return fmt.Sprintf("signal %d", int(s))
}

// excerpt returns the first lines of a text, which is where a Go traceback and
// glibc's aborts say what happened.
func excerpt(text string) string {
	var lines []string
	for _, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
		if len(lines) == 3 {
			break
		}
	}
	short := strings.Join(lines, " | ")
	if len(short) > 300 {
		short = short[:300] + "…"
	}
	return short
}
