package host

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Facts are what avserver answered: keys and values. The order is kept where
// it matters (the plugin's options).
type Facts struct {
	Keys   []string
	values map[string]string
}

// Get returns the value of key, or "".
func (f Facts) Get(key string) string { return f.values[key] }

// Int returns the value of key as a number, or 0.
func (f Facts) Int(key string) int {
	n, _ := strconv.ParseInt(f.values[key], 10, 64)
	return int(n)
}

// Duration returns the value of key, which is in nanoseconds.
func (f Facts) Duration(key string) time.Duration {
	n, _ := strconv.ParseInt(f.values[key], 10, 64)
	return time.Duration(n)
}

func (f *Facts) add(words []string) {
	if f.values == nil {
		f.values = map[string]string{}
	}
	for i := 0; i+1 < len(words); i += 2 {
		f.Keys = append(f.Keys, words[i])
		f.values[words[i]] = words[i+1]
	}
}

// Pending is a request that was sent.
type Pending struct {
	host   *Host
	during string
	facts  Facts
	err    error
	done   chan struct{}
}

// Send sends a request; during says what it is about, for error messages.
func (h *Host) Send(during, verb string, args ...string) *Pending {
	p := &Pending{host: h, during: during, done: make(chan struct{})}
	h.mu.Lock()
	if h.gone {
		h.mu.Unlock()
		close(p.done)
		return p
	}
	id := h.newID()
	h.waiting[id] = p
	h.mu.Unlock()
	line := id + " " + verb
	for _, arg := range args {
		line += " " + encode(arg)
	}
	// A write error means that avserver is gone, which the reader sees too.
	_, _ = h.requests.WriteString(line + "\n")
	return p
}

// Wait returns the answer. Errors are *Refused when avserver or the plugin
// said no, *Died when the process ended, *Hung when there was no answer within
// the limit; the process has been killed then.
func (p *Pending) Wait(limit time.Duration) (Facts, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
		p.host.Kill()
		<-p.host.ended
		return Facts{}, &Hung{During: p.during, Limit: limit}
	}
	if p.err != nil {
		return Facts{}, p.err
	}
	if p.facts.values == nil {
		if !p.host.wait(limit) { // it closed its pipe and runs on
			p.host.Kill()
			<-p.host.ended
			return Facts{}, &Hung{During: p.during, Limit: limit}
		}
		return Facts{}, p.host.died(p.during)
	}
	return p.facts, nil
}

// Call is Send and Wait.
func (h *Host) Call(limit time.Duration, during, verb string, args ...string) (Facts, error) {
	return h.Send(during, verb, args...).Wait(limit)
}

// mostLines are kept: a plugin that floods its log costs no memory here.
const mostLines = 10_000

// read takes what avserver says until it ends.
func (h *Host) read(replies *os.File) {
	defer replies.Close()
	lines := bufio.NewScanner(replies)
	for lines.Scan() {
		words := strings.Split(lines.Text(), " ")
		for i := range words {
			words[i] = decode(words[i])
		}
		if len(words) >= 2 {
			h.take(words)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gone = true
	for _, p := range h.waiting {
		p.facts = Facts{}
		close(p.done)
	}
	h.waiting = nil
}

func (h *Host) take(words []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	kind, rest := words[0], words[1:]
	switch {
	case kind == "log" && len(rest) == 2:
		if len(h.logs) < mostLines {
			h.logs = append(h.logs, Line{rest[0], rest[1]})
		}
		return
	case kind == "danger" && len(rest) == 2:
		if len(h.dangers) < mostLines {
			h.dangers = append(h.dangers, fmt.Sprintf("%s: %q", rest[0], rest[1]))
		}
		return
	}
	p := h.waiting[kind]
	if p == nil {
		return
	}
	switch rest[0] {
	case "more":
		p.facts.add(rest[1:])
		return
	case "ok":
		p.facts.add(rest[1:])
	default:
		p.err = &Refused{During: p.during, Text: strings.Join(rest[1:], " ")}
	}
	delete(h.waiting, kind)
	close(p.done)
}

// encode writes one word of the protocol, see avserver/wire.h.
func encode(word string) string {
	if word == "" {
		return "%"
	}
	var b strings.Builder
	for i := range len(word) {
		if c := word[i]; c <= ' ' || c >= 0x7F || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func decode(word string) string {
	var b strings.Builder
	for i := 0; i < len(word); i++ {
		if word[i] != '%' {
			b.WriteByte(word[i])
			continue
		}
		if i+2 < len(word) {
			if n, err := strconv.ParseUint(word[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
			}
		}
		i += 2
	}
	return b.String()
}

// IsFatal tells whether err means that the process is gone.
func IsFatal(err error) bool {
	var died *Died
	var hung *Hung
	return errors.As(err, &died) || errors.As(err, &hung)
}
