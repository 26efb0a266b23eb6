// Package guide has what docs/administrator.md says about the messages of
// avir_clam, so that avirctl can explain them.
package guide

import (
	_ "embed"
	"regexp"
	"strings"
)

// messages is the guide's table, copied because a Go module can't embed files
// of another one. A test keeps both equal.
//
//go:embed messages.txt
var messages string

// Message is one row of the table.
type Message struct {
	Texts  []string // "…" stands for any text
	Remedy string   // without Markdown
}

// Messages reads the table.
func Messages() []Message {
	quoted := regexp.MustCompile("`([^`]+)`")
	var all []Message
	for _, line := range strings.Split(messages, "\n") {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if len(cells) != 2 || !strings.HasPrefix(cells[0], "`") {
			continue
		}
		m := Message{Remedy: plain(cells[1])}
		for _, q := range quoted.FindAllStringSubmatch(cells[0], -1) {
			m.Texts = append(m.Texts, q[1])
		}
		all = append(all, m)
	}
	return all
}

// plain drops what Markdown adds to a text.
func plain(text string) string {
	text = regexp.MustCompile(`\[([^]]+)\]\([^)]*\)`).ReplaceAllString(text, "$1")
	return strings.ReplaceAll(strings.TrimSpace(text), "`", "")
}

// Explain returns what to do about a message, or "".
func Explain(text string) string {
	for _, m := range Messages() {
		for _, pattern := range m.Texts {
			if holds(text, strings.Split(pattern, "…")) {
				return m.Remedy
			}
		}
	}
	return ""
}

// holds tells whether the parts stand in the text, in their order.
func holds(text string, parts []string) bool {
	for _, part := range parts {
		_, after, found := strings.Cut(text, part)
		if !found {
			return false
		}
		text = after
	}
	return true
}
