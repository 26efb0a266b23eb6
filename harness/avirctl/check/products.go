package check

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/harness/avirctl/product"
	"github.com/avirkit/avirkit/harness/host"
)

func equalFold(a, b string) bool { return strings.EqualFold(a, b) }

// checkProduct names the products and the width of their servers.
func checkProduct(r *run) []Finding {
	if len(r.products) == 0 {
		return one(NotChecked, "", "neither Kerio Connect nor Kerio Control is installed here; what can be tested without them follows")
	}
	var found []Finding
	for _, p := range r.products {
		server := p.Server(r.Machine)
		if server == "" {
			found = append(found, one(Warning, "look whether the product is complete; without the server nothing tells which width of plugins it loads",
				"%s is in %s, but there is no file avserver below it", p.Name, p.Folder)...)
			continue
		}
		platform, err := host.PlatformOfFile(r.Machine.Path(server))
		if err != nil {
			found = append(found, one(Warning, "", "%s: %s can't be read as a program: %v", p.Name, server, err)...)
			continue
		}
		found = append(found, one(OK, "", "%s, whose server %s is for %s", p.Name, server, platform.Words)...)
	}
	if len(r.products) > 1 && r.Product == "" {
		found = append(found, one(NotChecked, "the same with --product "+r.products[1].ID, "there are two products; the rest is about %s", r.product.Name)...)
	}
	return found
}

// checkPlugins lists the plugins and compares their width with the server's.
func checkPlugins(r *run) []Finding {
	if r.product.ID == "" {
		if r.library.Path == "" {
			return one(NotChecked, "name a plugin with --plugin to test it", "without a product there is no folder of plugins")
		}
		return r.plugin(r.library, nil)
	}
	server, _ := host.PlatformOfFile(r.Machine.Path(r.product.Server(r.Machine))) // checkProduct tells of an error
	libraries := r.product.Libraries(r.Machine)
	if r.Plugin != "" {
		libraries = append(libraries, r.library)
	}
	if len(libraries) == 0 {
		return one(Failed, "install kerio-"+r.product.ID+"-avir-clam", "there is no plugin avir_*.so in %s", r.product.Plugins)
	}
	var found []Finding
	for _, l := range libraries {
		found = append(found, r.plugin(l, server)...)
	}
	return found
}

// plugin judges one library. server is what the product needs, if that is known.
func (r *run) plugin(l product.Library, server *host.Platform) []Finding {
	origin := "avirkit's"
	if !l.Ours {
		origin = "not avirkit's: the product's original one or another vendor's"
	}
	switch {
	case !l.Ours && l.Path != r.library.Path && (l.Platform == nil || server != nil && server != l.Platform):
		return one(Warning, "leave it, if nobody means to use it", "%s can't be loaded by the product's server (%s)", l.Path, origin)
	case l.Platform == nil:
		return one(Failed, "remove it, or install the package that has it again", "%s is no plugin: %s", l.Path, l.Problem)
	case server != nil && server != l.Platform:
		return one(Failed, fmt.Sprintf("install the package of the other width: %s", r.otherWidth(l, server)),
			"%s is for %s, and the product's server is for %s and can't load it", l.Path, l.Platform.Words, server.Words)
	}
	if r.product.ID != "" && filepath.Dir(l.Path) == r.product.Plugins {
		if where, who := r.Machine.Writer(r.user, l.Path); who != "" {
			return one(Warning, fmt.Sprintf("leave %[1]s to root: chown root:root %[1]s; chmod go-w %[1]s", where),
				"%s may be replaced by %s, who can write to %s and so decides what the product's server runs", l.Path, who, where)
		}
	}
	return one(OK, "", "%s for %s (%s)", l.Path, l.Platform.Words, origin)
}

// otherWidth is the command that brings a library for a platform instead of l,
// by the package manager of this machine if that is known. The packages of both
// widths exclude each other, so dnf and yum must take one away.
func (r *run) otherWidth(l product.Library, p *host.Platform) string {
	name := "kerio-" + r.product.ID + "-" + strings.ReplaceAll(l.Name, "_", "-")
	var commands []string
	for _, c := range []struct{ program, command string }{
		{"apt-get", "dpkg --add-architecture %[2]s && apt-get update && apt-get install %[1]s:%[2]s"},
		{"dnf", "dnf swap %[1]s %[1]s.%[3]s"},
		{"yum", "yum remove %[1]s && yum install %[1]s.%[3]s"},
	} {
		command := fmt.Sprintf(c.command, name, p.Deb, p.RPM)
		if _, err := r.Machine.Stat("/usr/bin/" + c.program); err == nil {
			return command
		}
		commands = append(commands, command)
	}
	return strings.Join(commands, ", or ")
}

// checkLoaded looks into the memory of the running server.
func checkLoaded(r *run) []Finding {
	if r.product.ID == "" {
		return one(NotChecked, "", "without a product there is no server to look into")
	}
	servers := r.product.Running(r.Machine)
	if why := r.Machine.Blind(); len(servers) == 0 && why != "" {
		return one(NotChecked, seeProcesses, "whether the antivirus server of %s runs can't be seen: %s", r.product.Name, why)
	}
	if len(servers) == 0 {
		return one(Warning, "switch the antivirus on: "+r.product.Console, "no antivirus server of %s runs: it does not scan with a plugin now", r.product.Name)
	}
	var found []Finding
	for _, s := range servers {
		libraries, err := s.Libraries(".so")
		if err != nil {
			found = append(found, one(Warning, "run this as root", "whether the server (process %d) has loaded the plugin can't be seen: %v", s.PID, err)...)
			continue
		}
		loaded := 0
		for _, l := range libraries {
			if !strings.HasPrefix(filepath.Base(l.Path), "avir_") {
				continue
			}
			loaded++
			now, err := r.Machine.Stat(l.Path)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				found = append(found, one(Warning, "install the package again, or choose another antivirus in the console ("+r.product.Console+")",
					"the server (process %d) still runs %s, which is no longer on disk", s.PID, l.Path)...)
			case l.Deleted || err == nil && now.Inode != l.Inode:
				found = append(found, one(Warning, "switch the antivirus off and on in the console ("+r.product.Console+"), or restart the product",
					"the server (process %d) still runs an older %s than the one on disk", s.PID, l.Path)...)
			default:
				found = append(found, one(OK, "", "the server (process %d) runs %s", s.PID, l.Path)...)
			}
		}
		if loaded == 0 {
			found = append(found, one(Warning, "choose the antivirus in the console: "+r.product.Console, "the server (process %d) has loaded no plugin", s.PID)...)
		}
	}
	return found
}
