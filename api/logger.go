package api

import (
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"

	"github.com/avirkit/avirkit/api/internal/text"
)

// MaxLogLine is the longest text in bytes, prefix included, that reaches the
// host's log in one call. The host's own limit is 1024 with its additions;
// hosts with small stacks and old formatting code live well with this one.
const MaxLogLine = 480

// LevelSecurity is the slog level of Securityf: above every other.
const LevelSecurity = slog.LevelError + 4

// Logger writes to the host's log. Its methods may be called from any
// goroutine at any time, also on a nil *Logger, and never block for long or
// fail: what the host can't take is replaced, what is too long is cut, line
// breaks become " | ", and after the plugin's Close nothing is written any more.
type Logger struct {
	write func(line string)
	level atomic.Int64 // a slog.Level
}

// NewLogger returns a logger that gives each finished line, prefix included
// and without a line break, to write. The SDK makes the one that Init gets;
// tests make their own. Every level is enabled.
func NewLogger(write func(line string)) *Logger {
	l := &Logger{write: write}
	l.SetLevel(slog.LevelDebug)
	return l
}

// SetLevel drops everything below level from now on: slog.LevelDebug, the
// default, drops nothing; LevelSecurity leaves only Securityf. Progress is
// never dropped.
func (l *Logger) SetLevel(level slog.Level) {
	if l != nil {
		l.level.Store(int64(level))
	}
}

// Enabled tells whether a line of that level would be written.
func (l *Logger) Enabled(level slog.Level) bool {
	return l != nil && l.write != nil && level >= slog.Level(l.level.Load())
}

// Debugf logs what only somebody who looks for a fault wants to see.
func (l *Logger) Debugf(format string, args ...any) { l.logf(slog.LevelDebug, format, args) }

// Warningf logs what an administrator should look at some day.
func (l *Logger) Warningf(format string, args ...any) { l.logf(slog.LevelWarn, format, args) }

// Errorf logs what keeps the plugin from doing its work.
func (l *Logger) Errorf(format string, args ...any) { l.logf(slog.LevelError, format, args) }

// Securityf logs an event for the host's security log.
func (l *Logger) Securityf(format string, args ...any) { l.logf(LevelSecurity, format, args) }

// Progress tells the host how far a long operation, such as loading a
// database, has come: n counts up in units that the plugin chooses.
func (l *Logger) Progress(n int) {
	if l != nil && l.write != nil {
		l.write("PRO: " + strconv.Itoa(n))
	}
}

func (l *Logger) logf(level slog.Level, format string, args []any) {
	if l.Enabled(level) {
		l.line(level, fmt.Sprintf(format, args...))
	}
}

func (l *Logger) line(level slog.Level, message string) {
	prefix := prefixOf(level)
	l.write(prefix + text.Line(message, MaxLogLine-len(prefix)))
}

// prefixOf returns what the host tells its log categories by.
func prefixOf(level slog.Level) string {
	switch {
	case level >= LevelSecurity:
		return "SEC: "
	case level >= slog.LevelError:
		return "ERR: "
	case level >= slog.LevelWarn:
		return "WRN: "
	}
	return "External_plugin: " // anything without a category is debug output
}
