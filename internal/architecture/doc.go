// Package architecture holds only a test: it compares the imports of the code
// with the table of rooms in docs/architecture.md, and the table with the
// directions that it may have.
package architecture
