package machines

import "os"

// Options say what to run.
type Options struct {
	Root     string   // the checkout
	Machines []string // names of vagrant/machines.yml; empty for all that have a box
	Keep     bool     // leave the machines running
	Full     bool     // full-length waiting test and all repetitions of the hostile one
}

// FromEnvironment returns the options that the environment sets: KEEP=1 and
// AVIR_VM_FULL=1.
func FromEnvironment(root string, machines ...string) Options {
	return Options{
		Root: root, Machines: machines,
		Keep: os.Getenv("KEEP") == "1", Full: os.Getenv("AVIR_VM_FULL") == "1",
	}
}
