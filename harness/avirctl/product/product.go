// Package product finds the products on a machine: their antivirus server,
// their folder of plugins and the libraries in it.
package product

import (
	"debug/buildinfo"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/harness/avirctl/machine"
	"github.com/avirkit/avirkit/harness/host"
)

// Product is a program that scans with plugins.
type Product struct {
	ID      string // of --product
	Name    string
	Folder  string // where it is installed
	Plugins string // folder that its server loads plugins from
	Process string // name of its main process
	Logs    string // pattern of its logs' paths
	Console string // where its antivirus is chosen
}

// All are the products that plugins are made for.
var All = []Product{
	{
		ID: "connect", Name: "Kerio Connect", Folder: "/opt/kerio/mailserver", Plugins: "/opt/kerio/mailserver/plugin/avserver/avirs",
		Process: "mailserver", Logs: "/opt/kerio/mailserver/store/logs/*.log", Console: "Configuration > Content Filter > Antivirus",
	},
	{
		ID: "control", Name: "Kerio Control", Folder: "/opt/kerio/winroute", Plugins: "/opt/kerio/winroute/avirplugins",
		Process: "winroute", Logs: "/opt/kerio/winroute/logs/*.log", Console: "Configuration > Antivirus > Antivirus Engine",
	},
}

// ByID returns the product that --product names.
func ByID(id string) (Product, error) {
	var ids []string
	for _, p := range All {
		if p.ID == id {
			return p, nil
		}
		ids = append(ids, p.ID)
	}
	return Product{}, fmt.Errorf("there is no product %q: use %s", id, strings.Join(ids, " or "))
}

// serverName is the file name of the antivirus server, and of its process.
const serverName = "avserver"

// Server returns the path of the product's antivirus server, or "". Nothing
// published says where it is, so all folders of the product are looked at. A
// script of that name counts only where there is no program.
func (p Product) Server(m *machine.Machine) (server string) {
	for _, between := range []string{"plugin/avserver/", "", "*/", "*/*/", "*/*/*/"} {
		for _, path := range m.Glob(filepath.Join(p.Folder, between, serverName)) {
			if f, err := m.Stat(path); err != nil || !f.Mode().IsRegular() {
				continue
			}
			if _, err := host.PlatformOfFile(m.Path(path)); err == nil {
				return path
			}
			if server == "" {
				server = path
			}
		}
	}
	return server
}

// Running returns the antivirus servers that run. Those of another product are
// left out where the system tells.
func (p Product) Running(m *machine.Machine) []machine.Process {
	return slices.DeleteFunc(m.Processes(serverName), func(server machine.Process) bool {
		return server.Exe != "" && !strings.HasPrefix(server.Exe, p.Folder+"/")
	})
}

// User returns who runs the product, and what tells so.
func (p Product) User(m *machine.Machine) (user machine.User, source string) {
	for _, server := range append(p.Running(m), m.Processes(p.Process)...) {
		return server.User, fmt.Sprintf("who runs process %d, %s", server.PID, server.Name)
	}
	if root, err := m.User("0"); err == nil {
		return root, "no process of the product runs, so root is taken"
	}
	return machine.User{Name: "root", Groups: []int{0}}, "no process of the product runs, so root is taken"
}

// Library is a plugin in the product's folder.
type Library struct {
	Path     string
	Name     string         // avir_clam
	Platform *host.Platform // nil if it is for none
	Problem  string         // why it has no platform
	Ours     bool           // made by this project
}

// Libraries returns the plugins of the product.
func (p Product) Libraries(m *machine.Machine) []Library {
	var found []Library
	for _, path := range m.Glob(filepath.Join(p.Plugins, "avir_*.so")) {
		found = append(found, LibraryAt(m, path))
	}
	return found
}

// ourModules is the path of this project's modules, which its Go plugins carry.
const ourModules = "github.com/avirkit/avirkit/"

// LibraryAt looks at one library.
func LibraryAt(m *machine.Machine, path string) Library {
	l := Library{Path: path, Name: strings.TrimSuffix(filepath.Base(path), ".so")}
	if f, err := m.Stat(path); err != nil || !f.Mode().IsRegular() {
		l.Problem = "it is no regular file"
		return l
	}
	var err error
	if l.Platform, err = host.PlatformOfFile(m.Path(path)); err != nil {
		l.Problem = err.Error()
		return l
	}
	info, err := buildinfo.ReadFile(m.Path(path))
	l.Ours = err == nil && strings.HasPrefix(info.Path, ourModules)
	return l
}
