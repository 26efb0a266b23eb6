package machines

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/avirkit/avirkit/internal/build/platform"
	"github.com/avirkit/avirkit/internal/run"
)

// all runs the steps of the tests: the packages are installed, upgraded and
// removed, and in between the harness tests the installed libraries.
func (c *check) all(ctx context.Context) error {
	if err := c.tellFacts(ctx); err != nil {
		return err
	}
	p := c.guest.machine.For()
	upload := func(ctx context.Context, out io.Writer) error { return c.guest.upload(ctx, c.run.kit) }
	connect, control := c.product("connect"), c.product("control")
	if !(c.step(ctx, "copy packages and harness", upload) &&
		c.do(ctx, "start the fake clamd", startFake(p)) &&
		c.do(ctx, "make the products' folders", makeProducts) &&
		c.do(ctx, "generate the samples", "./"+p.Name+"/harness run generate --data data\n") &&
		c.do(ctx, "install the older version", connect.install(oldPackages, c.run.kit.old)) &&
		c.do(ctx, "scan with the older version", c.harness("scanning", "", connect.library("sample"))) &&
		c.do(ctx, "upgrade", connect.install(newPackages, c.run.kit.new))) {
		return context.Cause(ctx) // what else failed, the steps say
	}
	c.plugin(ctx, "avir_sample", connect.library("sample"), []string{"all"})
	c.plugin(ctx, "avir_csample", connect.library("csample"), []string{"all"})
	c.plugin(ctx, "avir_clam with the fake clamd", connect.library("clam"), []string{"all"}, clamdAt(fakePort)...)
	if c.run.socket != "" {
		// What the hostile test shows does not depend on the clamd, and takes longest.
		tests := []string{"waiting", "server"}
		if c.run.Full {
			tests = append(tests, "hostile")
		}
		c.plugin(ctx, "avir_clam with a real clamd", connect.library("clam"), tests, clamdAt(clamdPort)...)
	}
	for _, other := range p.Runnable()[1:] {
		c.otherWidth(ctx, other)
	}
	if c.do(ctx, "install a second product's", control.install(newPackages, c.run.kit.new)) {
		c.do(ctx, "scan with the second product's", c.harness("scanning", "", control.library("sample")))
	}
	c.do(ctx, "remove the second product's", control.uninstall())
	c.do(ctx, "remove", connect.uninstall())
	c.do(ctx, "nothing left", listing+"listing > now.txt\ndiff before.txt now.txt\n")
	return context.Cause(ctx) // what else failed, the steps say
}

// tellFacts asks the guest what it is.
func (c *check) tellFacts(ctx context.Context) error {
	packager := `dpkg $(dpkg-query -W -f '${Version}' dpkg)`
	if c.guest.machine.Packages == "rpm" {
		packager = `$(rpm --version | sed 's/^RPM version/rpm/')`
	}
	out, err := c.guest.sudo(`echo "kernel $(uname -r)"
echo "machine $(uname -m)"
echo "libc $(getconf GNU_LIBC_VERSION)"
echo "packager ` + packager + `"
if [ -e /etc/debian_version ]; then
	echo "system Debian $(cat /etc/debian_version)"
elif [ -e /etc/redhat-release ]; then
	echo "system $(cat /etc/redhat-release)"
fi
`).Run(ctx)
	if err != nil {
		return c.guest.explained(out, err)
	}
	c.facts = map[string]string{}
	for line := range strings.Lines(out) {
		name, value, _ := strings.Cut(line, " ")
		c.facts[name] = run.Printable(value)
	}
	return nil
}

// fakePort is where the fake clamd listens in the guest.
const fakePort = 3399

func clamdAt(port int) []string {
	return []string{"--set", "Address=127.0.0.1", "--set", fmt.Sprintf("Port=%d", port)}
}

// startFake returns the script that starts the fake clamd. It holds what it
// scans in memory, eight files at once, hence GOGC.
func startFake(p *platform.Platform) string {
	return fmt.Sprintf(`GOGC=20 ./%s/fakeclamd --listen 127.0.0.1:%d < /dev/null > out/fakeclamd.log 2>&1 &
echo $! > fake.pid
tries=0
until grep ready out/fakeclamd.log; do
	tries=$((tries + 1))
	[ $tries -le 60 ] && kill -0 $(cat fake.pid) || { cat out/fakeclamd.log; exit 1; }
	sleep 1
done
`, p.Name, fakePort)
}

// stacks makes the fake clamd write what each of its goroutines does into its
// log, which ends it: a fake that hangs must tell why. A failure of this is no
// further failure of the tests.
func (c *check) stacks(ctx context.Context) {
	cmd := c.guest.sudo(`kill -QUIT $(cat fake.pid)
for i in 1 2 3 4 5 6 7 8 9 10; do
	kill -0 $(cat fake.pid) || break
	sleep 1
done
`)
	_, _ = cmd.Run(ctx)
}

// plugin runs tests of the harness for an installed library. If the plugin
// can't even scan once, all further tests would fail one by one, each after its
// time limit, and for the same reason: they are not run.
func (c *check) plugin(ctx context.Context, name, library string, tests []string, options ...string) {
	label := strings.ReplaceAll(name, " ", "-")
	if !c.do(ctx, name+": scanning", c.harness("scanning", label+"-scanning", library, options...)) {
		var rest []string
		for _, test := range tests {
			rest = append(rest, name+": "+test)
		}
		c.skip("its scanning failed", rest...)
		return
	}
	for _, test := range tests {
		c.do(ctx, name+": "+test, c.harness(test, label+"-"+test, library, options...))
	}
}

// otherWidth scans with the plugins of a narrower platform, which no package of
// this system holds, where the system has the C library for them.
func (c *check) otherWidth(ctx context.Context, p *platform.Platform) {
	_, missing := c.guest.sudo("[ -e " + p.Loader + " ]").Run(ctx)
	for _, name := range []string{"avir_sample", "avir_clam"} {
		title := name + " for " + p.Words + ": scanning"
		var options []string
		if name == "avir_clam" {
			options = clamdAt(fakePort)
		}
		if missing != nil {
			c.skip("there is no "+p.Loader, title)
			continue
		}
		c.do(ctx, title, c.harness("scanning", name+"-"+p.Name, "./"+p.Name+"/"+name+".so", options...))
	}
}

// harness returns the script that runs a test of the harness, or all. With a
// label, its reports are kept. An emulated processor gets four times the time
// for each call of a plugin.
func (c *check) harness(test, label, library string, options ...string) string {
	args := append([]string{"./" + c.guest.machine.For().Name + "/harness", "run", test, "--plugin", library, "--data", "data"}, options...)
	wait := "5s"
	if c.run.Full {
		wait = "150s"
	} else {
		args = append(args, "--quick")
	}
	args = append(args, "--wait", wait)
	if c.guest.driver == driverQEMU {
		args = append(args, "--limit", "120s")
	}
	if floor := c.guest.machine.KernelFloor; floor != "" {
		args = append(args, "--kernel-floor", floor)
	}
	if label != "" {
		args = append(args, "--junit", path.Join("out", label+".xml"), "--json", path.Join("out", label+".json"))
	}
	return strings.Join(args, " ") + "\n"
}
