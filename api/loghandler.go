package api

import (
	"context"
	"log/slog"
	"strings"
)

// Handler returns a handler with which log/slog writes to l, so that
// slog.New(log.Handler()) serves code that wants a *slog.Logger. Records are
// written as "message key=value ...", without a time: the host adds its own.
// Warn and Error have the host's categories, LevelSecurity is security, and
// everything below Warn is debug output.
func (l *Logger) Handler() slog.Handler { return handler{log: l} }

type handler struct {
	log    *Logger
	prefix string // the open groups, each with a dot
	attrs  string // formatted attributes, each with a space before it
}

func (h handler) Enabled(_ context.Context, level slog.Level) bool { return h.log.Enabled(level) }

func (h handler) Handle(_ context.Context, record slog.Record) error {
	var b strings.Builder
	b.WriteString(record.Message)
	b.WriteString(h.attrs)
	record.Attrs(func(attr slog.Attr) bool {
		writeAttr(&b, h.prefix, attr)
		return true
	})
	if h.log.Enabled(record.Level) {
		h.log.line(record.Level, b.String())
	}
	return nil
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var b strings.Builder
	b.WriteString(h.attrs)
	for _, attr := range attrs {
		writeAttr(&b, h.prefix, attr)
	}
	h.attrs = b.String()
	return h
}

func (h handler) WithGroup(name string) slog.Handler {
	if name != "" {
		h.prefix += name + "."
	}
	return h
}

func writeAttr(b *strings.Builder, prefix string, attr slog.Attr) {
	value := attr.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		if attr.Key != "" {
			prefix += attr.Key + "."
		}
		for _, member := range value.Group() {
			writeAttr(b, prefix, member)
		}
		return
	}
	if attr.Key == "" {
		return
	}
	b.WriteString(" " + prefix + attr.Key + "=" + value.String())
}
