// Package clamd scans files with one or more clamd servers. It is made for a
// host that asks from many threads and believes every answer: what was not
// scanned to its end is never reported as clean.
//
// # The scan path
//
// The scan path is our own: sessions (IDSESSION) that live on between scans,
// over TCP or a unix socket. A file goes as a descriptor (FILDES) over a unix
// socket and as a stream (INSTREAM) otherwise; a file that fits the buffer
// goes in one write together with its command. A scan that was cut off is
// repeated from byte 0 on another server or on a fresh connection, within
// its deadline.
//
// System calls are made directly on the thread that the host gave us, and
// each wait in one has a bound, so that no goroutine switch stands between
// clamd's answer and the host.
//
// # What an OK is worth
//
// clamd says OK also for what it did not scan: over its limits, without room
// for temporary files, with an engine that is dead, for a descriptor that it
// can't read. Here an OK counts where the same connection finds a test virus
// as well, in a file as large: see proof.go.
//
// # What github.com/baruwa-enterprise/clamd does here
//
// It is the independent client with which the tests and the benchmark compare
// ours. It can't ask for VERSION: neither the length of an answer nor the time
// of a command that is answered bit by bit has a bound there, and it can't be
// given a connection of ours. It can't serve the scan path: one connection
// for each command, chunks of 1 KiB with a write each, and a connection that
// ends before the reply is an empty success there. Beside an early version of
// this package, on one clamd and with one thread, it did 1,630 scans a second
// of a 95-byte file where sessions did 1,712, 564 to 799 with 100 KB, and 87
// to 154 with 1 MB.
package clamd
