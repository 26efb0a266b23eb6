package run

import "os"

// Setenv sets variables of this process and returns a function that sets them
// as they were.
func Setenv(variables map[string]string) (restore func()) {
	before := map[string]*string{}
	for name, value := range variables {
		before[name] = nil
		if old, set := os.LookupEnv(name); set {
			before[name] = &old
		}
		_ = os.Setenv(name, value)
	}
	return func() {
		for name, old := range before {
			if old == nil {
				_ = os.Unsetenv(name)
			} else {
				_ = os.Setenv(name, *old)
			}
		}
	}
}
