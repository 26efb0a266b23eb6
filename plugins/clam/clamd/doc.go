// Package clamd scans files with one or more clamd servers. It is made for a
// host that asks from many threads and believes every answer: what was not
// scanned to its end is never reported as clean.
//
// # The parts
//
// A Client has servers. A server has a pool of sessions, which package wire
// speaks clamd's protocol on, and a keeper: one goroutine that tests the
// server when that is due. A Scanner belongs to one thread of the host; each
// of its scans is a job, which holds what all attempts for one file share.
//
// # The state of a server
//
//	untested ──test passed──▶ ready ──test failed──▶ down
//	    ▲                       │                      │
//	    └──suspected, or unused─┘   ready ◀──test passed
//
// Only a server that is ready gets files. A scan never tests: what it meets
// with (a lost connection, silence, an ERROR of clamd) it tells the server,
// which is untested from then on, and takes another server or waits for the
// keeper. So the next file goes there when a self-test was passed, and not
// before, however fast or slow the server fails.
//
// # What an OK is worth
//
// clamd says OK also for what it did not scan: over its limits, without room
// for temporary files, with an engine that is dead. So an OK counts only in
// the time that option SelfTest allows after a self-test, and only up to the
// size that such a test had. See selftest.go; machine.go looks at what decides
// about an OK where clamd runs on this machine.
//
// # Locks
//
// There are three, and none is taken while another is held:
//
//   - server.mu guards what is known of a server. Nobody waits or makes a
//     system call with it.
//   - pool.mu guards which sessions there are. A session itself belongs to
//     whoever took it.
//   - news.mu guards the channel that is closed when any server's state has
//     changed, for those who wait.
//
// Client.mu counts scans, for Close, and wire.Session has a lock that only
// keeps Interrupt from a descriptor that is being closed.
//
// # What github.com/baruwa-enterprise/clamd does here
//
// It is the independent client with which the tests and the benchmark compare
// ours. It can't serve the scan path: one connection for each command, chunks
// of 1 KiB with a write each, and a connection that ends before the reply is
// an empty success there.
package clamd
