// Package wire speaks clamd's protocol over one connection: a session
// (IDSESSION) in which files go as descriptors (FILDES) or as streams
// (INSTREAM), one after the other.
//
// A session belongs to one goroutine at a time, which makes its system calls
// directly on its thread, so that no goroutine switch stands between clamd's
// answer and the host. Only Interrupt may be called from others: it makes the
// system call that the owner waits in return. The owner waits in at most one
// slice without being watched; then the end of its context interrupts it, too.
// So a wait needs no polling, and a short one costs nothing extra.
package wire
