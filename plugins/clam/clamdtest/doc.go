// Package clamdtest starts clamds for tests, real and fake ones, and ends them
// with the test. It imports testing, and so only tests import it.
package clamdtest
