package architecture

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// heights orders the wings of internal: an arrow leads from a higher one to a
// lower one. What is not named here is at the bottom. docs has only tests.
var heights = map[string]int{"docs": 6, "magefile.go": 5, "targets": 4, "systems": 3, "bench": 3, "packages": 2, "build": 1}

// floor orders the rooms of systems: all others stand on these.
var floor = map[string]int{"systems/rootfs": 1, "systems/settings": 1, "systems/session": 2}

// modules are the rooms that are Go modules of their own, each with the
// modules that it may import. internal is not among them.
var modules = map[string][]string{"api": nil, "plugins": {"api"}, "harness": nil}

// wing returns the folder of internal that a room stands in.
func wing(room string) string {
	name, _, _ := strings.Cut(room, "/")
	return name
}

// forbidden says why from must never import to, or returns "".
func forbidden(from, to string) string {
	if allowed, ok := modules[wing(from)]; ok {
		for _, m := range append(allowed, wing(from)) {
			if m == wing(to) {
				return ""
			}
		}
		return fmt.Sprintf("%s imports no other module than %v", from, allowed)
	}
	if to == "api" {
		return "the tools look at plugins from outside"
	}
	if _, ok := modules[to]; ok {
		return ""
	}
	if wing(from) == "systems" && wing(to) == "systems" && floor[to] <= floor[from] {
		return "rooms of systems know each other only through systems/rootfs, systems/settings and systems/session"
	}
	if wing(from) != wing(to) && heights[wing(from)] < heights[wing(to)] {
		return "an arrow never leads up to another wing"
	}
	return ""
}

func TestNoArrowOfTheTableIsForbidden(t *testing.T) {
	for _, r := range rooms(t) {
		for _, to := range r.may {
			assert.Empty(t, forbidden(r.name, to), "%s may import %s", r.name, to)
		}
	}
}

func TestNoTestImportsWhatItsWingMayNot(t *testing.T) {
	_, tests := arrows(t, rooms(t))
	assert.NotEmpty(t, tests)
	for _, a := range tests {
		assert.Empty(t, forbidden(a.from, a.to), a.file)
	}
}

func TestForbiddenArrowsAreKnown(t *testing.T) {
	for _, a := range []arrow{
		{from: "build", to: "packages"}, {from: "packages/signing", to: "systems/install"}, {from: "run", to: "build"},
		{from: "systems/boxes", to: "systems/machines"}, {from: "systems/install", to: "targets"}, {from: "systems/rootfs", to: "systems/floor"}, {from: "systems/session", to: "systems/rootfs"},
		{from: "api", to: "plugins"}, {from: "harness", to: "api"}, {from: "api", to: "run"}, {from: "build", to: "api"}, {from: "bench", to: "api"},
	} {
		assert.NotEmpty(t, forbidden(a.from, a.to), "%s to %s", a.from, a.to)
	}
	for _, a := range []arrow{
		{from: "targets", to: "systems/floor"}, {from: "systems/floor", to: "systems/rootfs"}, {from: "packages/repo", to: "packages/signing"},
		{from: "plugins", to: "api"}, {from: "bench", to: "build"}, {from: "hostdeps", to: "run"}, {from: "systems/install", to: "plugins"},
	} {
		assert.Empty(t, forbidden(a.from, a.to), "%s to %s", a.from, a.to)
	}
}
