package api

import "slices"

// Config holds the values of a plugin's options at one moment. It never
// changes: With returns a changed copy. The zero Config knows no options.
type Config struct {
	settings []Setting
}

// NewConfig returns a configuration in which each option has its default.
func NewConfig(options []Option) Config {
	settings := make([]Setting, len(options))
	for i, option := range options {
		settings[i] = Setting{Name: option.Name, Value: option.Default}
	}
	return Config{settings}
}

// Get returns the value of the option called name, compared without case, or
// "" when there is no such option.
func (c Config) Get(name string) string {
	if i := c.index(name); i >= 0 {
		return c.settings[i].Value
	}
	return ""
}

// With returns a copy of c in which name has the given value, cut to
// MaxOptionValue bytes, and whether c knows an option of that name.
func (c Config) With(name, value string) (Config, bool) {
	i := c.index(name)
	if i < 0 {
		return c, false
	}
	changed := Config{c.Settings()}
	changed.settings[i].Value = value[:min(len(value), MaxOptionValue)]
	return changed, true
}

// Settings returns a copy of all values in the order of the options.
func (c Config) Settings() []Setting { return slices.Clone(c.settings) }

func (c Config) index(name string) int {
	key := fold(name)
	return slices.IndexFunc(c.settings, func(s Setting) bool { return fold(s.Name) == key })
}
