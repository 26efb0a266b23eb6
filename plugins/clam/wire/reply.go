package wire

import (
	"bytes"
	"strconv"
)

// Kind is what a reply means to the scan that waits for it.
type Kind int

const (
	Clean        Kind = iota // scanned to the end, nothing found
	Found                    // something was found; Text is its name
	OverLimit                // the stream is over clamd's StreamMaxLength
	Refused                  // clamd said that it did not scan; Text is what it said
	Contradicted             // clamd said so, and then something else
	pong                     // not a verdict: the answer to a PING
	timedOut                 // clamd gave the session up
)

// Reply is one parsed reply.
type Reply struct {
	Kind Kind
	Text string
	id   uint32 // 0 if the reply has none
}

// timeoutText is the one reply that has no id and no NUL, but a line break.
const timeoutText = "COMMAND READ TIMED OUT"

// stopping are the words of a clamd that is being stopped. The first one can
// follow a verdict, the second one answers a FILDES that it no longer takes.
var stopping = map[string]bool{
	"Error processing command.":                           true,
	"PROTOCOL ERROR: ancillary data sent without FILDES.": true,
}

// limitText is clamd's word for a stream over its StreamMaxLength.
const limitText = "INSTREAM size limit exceeded."

// nextReply cuts the first whole reply off data. n is how many bytes it took,
// 0 if data holds no whole reply yet.
func nextReply(data []byte) (r Reply, n int) {
	if bytes.HasPrefix(data, []byte(timeoutText+"\n")) {
		return Reply{Kind: timedOut, Text: timeoutText}, len(timeoutText) + 1
	}
	end := bytes.IndexByte(data, 0)
	if end < 0 {
		return Reply{}, 0
	}
	return parseReply(data[:end]), end + 1
}

// parseReply understands one reply of a session, without its NUL. Whatever it
// does not know exactly is a failure, never clean.
func parseReply(line []byte) Reply {
	id, rest, ok := cutID(line)
	if string(rest) == timeoutText { // in case a clamd ends it as all others
		return Reply{Kind: timedOut, Text: timeoutText}
	}
	if !ok {
		return Reply{Kind: Refused, Text: string(line)}
	}
	if string(rest) == "PONG" {
		return Reply{Kind: pong, id: id}
	}
	r := parseVerdict(rest)
	r.id = id
	return r
}

// parseVerdict understands what follows the id: "stream: OK", "fd[7]: NAME
// FOUND", "stream: TEXT ERROR", "TEXT ERROR".
func parseVerdict(line []byte) Reply {
	text, labelled := cutLabel(line)
	if labelled && string(text) == "OK" {
		return Reply{Kind: Clean}
	}
	if name, ok := bytes.CutSuffix(text, []byte(" FOUND")); ok && labelled {
		return Reply{Kind: Found, Text: string(name)}
	}
	if msg, ok := bytes.CutSuffix(text, []byte(" ERROR")); ok {
		if string(msg) == limitText {
			return Reply{Kind: OverLimit, Text: string(msg)}
		}
		return Reply{Kind: Refused, Text: string(msg)}
	}
	return Reply{Kind: Refused, Text: string(text)}
}

// cutID cuts "17: " off a reply.
func cutID(line []byte) (id uint32, rest []byte, ok bool) {
	digits, rest, ok := bytes.Cut(line, []byte(": "))
	if !ok || !allDigits(digits) || len(digits) > 9 {
		return 0, line, false
	}
	n, err := strconv.ParseUint(string(digits), 10, 32)
	return uint32(n), rest, err == nil
}

// cutLabel cuts "stream: " or "fd[7]: " off a reply. Only these two labels
// come from the commands that we send; a name can hold anything, a colon and
// spaces included, so the cut must be exact.
func cutLabel(line []byte) (text []byte, ok bool) {
	if text, ok := bytes.CutPrefix(line, []byte("stream: ")); ok {
		return text, true
	}
	if text, ok := bytes.CutPrefix(line, []byte("fd[")); ok {
		if number, text, ok := bytes.Cut(text, []byte("]: ")); ok && allDigits(number) {
			return text, true
		}
	}
	return line, false
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}
