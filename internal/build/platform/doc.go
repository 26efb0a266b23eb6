// Package platform lists the platforms that plugins are built for, with all
// that differs between them. A further platform is an entry in [All] and a list
// of the symbols of its C library in internal/build/glibc.
package platform
