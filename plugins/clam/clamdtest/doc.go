// Package clamdtest gives tests a clamd to talk to: the real one of the
// machine, started with a signature database, ports and folders of its own,
// and a scriptable fake for the faults that a real one does not produce on
// demand.
package clamdtest
