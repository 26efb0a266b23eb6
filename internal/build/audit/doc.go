// Package audit reads a built plugin library and says whether the oldest
// supported systems can load it and whether it is safe there.
//
// It reads the file only. Nothing is loaded or run, so a stranger's library
// can be audited anywhere. It judges what the dynamic linker of the floor
// would do with the file, and names each symbol, library or function that is
// in the way. What a file cannot show, such as the system calls that C code
// makes, is left to the test host and said in a note.
package audit
