// Package docs holds only tests: they compare what the documents say of
// targets, variables, files and commands with the code.
package docs
