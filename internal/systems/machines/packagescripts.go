package machines

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/avirkit/avirkit/internal/packages"
	"github.com/avirkit/avirkit/internal/systems/settings"
)

// makeProducts unpacks the products' trees. Their owners and modes, which no
// package would set, must not change: see unchanged.
const makeProducts = listing + `if [ -e /opt/kerio ]; then
	echo "this machine has /opt/kerio: it is not one to throw away"
	exit 1
fi
tar -xpf ` + productsFile + ` -C /
listing > before.txt
cat before.txt
`

// listing defines a command that prints modes, owners and names below
// /opt/kerio.
const listing = `listing() {
	find /opt/kerio -exec ls -ldn {} \; | awk '{ print $1, $3, $4, $NF }' | sort
}
`

// unchanged returns the script that compares all but our own libraries with
// what was there before.
func (p product) unchanged() string {
	var ours []string
	for _, plugin := range p.plugins {
		ours = append(ours, "-e '/"+plugin.Library+"$'")
	}
	return "listing | grep -v " + strings.Join(ours, " ") + " > now.txt\ndiff before.txt now.txt\n"
}

// product is the packages for one product on one machine.
type product struct {
	packages.Product
	plugins map[string]packages.Plugin
	machine *settings.Machine
}

func (c *check) product(id string) product {
	return product{c.run.kit.data.Products[id], c.run.kit.data.Plugins, c.guest.machine}
}

// library is the path of an installed library.
func (p product) library(plugin string) string {
	return path.Join(p.Plugins, p.plugins[plugin].Library)
}

// names returns the packages by the ids of their plugins, in order.
func (p product) names() (ids, names []string) {
	for _, id := range slices.Sorted(maps.Keys(p.plugins)) {
		ids, names = append(ids, id), append(names, packages.PackageName(p.Product, id))
	}
	return ids, names
}

// rpm is the program. Debian's one wants to be told that it is not Debian's
// way.
func (p product) rpm() string {
	if p.machine.StandIn != "" {
		return "rpm --force-debian"
	}
	return "rpm"
}

// install returns the script that installs or upgrades the product's packages
// from a folder of the kit and checks what is there then.
func (p product) install(folder string, version packages.Version) string {
	var files, checks []string
	ids, names := p.names()
	for i, name := range names {
		library := p.library(ids[i])
		deb, rpm := packages.FileNames(name, version, p.machine.For())
		if p.machine.Packages == "rpm" {
			files = append(files, path.Join(folder, rpm))
			checks = append(checks, fmt.Sprintf(`[ "$(%[1]s -q --qf '%%{VERSION}-%%{RELEASE}' %[2]s)" = %[3]s ]
%[1]s -V %[2]s
%[1]s -ql %[2]s | grep -x %[4]s
`, p.rpm(), name, version.RPMWhole(), library))
		} else {
			files = append(files, path.Join(folder, deb))
			checks = append(checks, fmt.Sprintf(`[ "$(dpkg-query -W -f '${Status} ${Version}' %[1]s)" = "install ok installed %[2]s" ]
(cd / && md5sum -c /var/lib/dpkg/info/%[1]s.md5sums)
dpkg -L %[1]s | grep -x %[3]s
`, name, version.Deb(), library))
		}
		checks = append(checks, fmt.Sprintf("[ \"$(ls -ln %s | awk '{ print substr($1, 1, 10), $3, $4 }')\" = '-rw-r--r-- 0 0' ]\n", library))
	}
	command := "dpkg -i "
	if p.machine.Packages == "rpm" {
		command = p.rpm() + " -U "
	}
	return listing + "set -x\n" + command + strings.Join(files, " ") + "\n" + strings.Join(checks, "") + p.unchanged()
}

// uninstall returns the script that removes the packages, then what was
// configured of them, and looks for what is left.
func (p product) uninstall() string {
	_, names := p.names()
	all := strings.Join(names, " ")
	command := fmt.Sprintf("dpkg -r %[1]s\ndpkg -P %[1]s\n", all)
	if p.machine.Packages == "rpm" {
		command = p.rpm() + " -e " + all + "\n"
	}
	return listing + command + fmt.Sprintf(`for name in %s; do
	for path in /usr/share/doc/$name /usr/share/licenses/$name /var/lib/dpkg/info/$name.list; do
		if [ -e "$path" ]; then
			echo "$path is still there"
			exit 1
		fi
	done
done
`, all) + p.unchanged()
}
