package api

// Config holds the values of a plugin's options at one moment. It never
// changes: With returns a changed copy. The zero Config knows no options.
type Config struct {
	options []Option
}

// NewConfig returns a configuration in which each option has its default.
func NewConfig(options []Option) Config {
	return Config{options: append([]Option(nil), options...)}
}

// Get returns the value of the option called name, compared without case, or
// "" when there is no such option.
func (c Config) Get(name string) string {
	if i := c.index(name); i >= 0 {
		return c.options[i].Default
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
	if len(value) > MaxOptionValue {
		value = value[:MaxOptionValue]
	}
	changed := NewConfig(c.options)
	changed.options[i].Default = value
	return changed, true
}

// Options returns a copy of all options in the plugin's order, each with its
// present value as Default.
func (c Config) Options() []Option {
	return append([]Option(nil), c.options...)
}

func (c Config) index(name string) int {
	key := fold(name)
	for i := range c.options {
		if fold(c.options[i].Name) == key {
			return i
		}
	}
	return -1
}
