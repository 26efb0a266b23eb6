// Package check looks whether mail is being scanned: a list of small checks,
// each of which says what it found, why that matters and what to do.
package check

import (
	"context"
	"fmt"

	"github.com/avirkit/avirkit/harness/avirctl/clamdconf"
	"github.com/avirkit/avirkit/harness/avirctl/machine"
	"github.com/avirkit/avirkit/harness/avirctl/product"
	"github.com/avirkit/avirkit/harness/host"
)

// Level is how good or bad a finding is.
type Level string

// The levels. NotChecked is for what could not be looked at.
const (
	OK         Level = "ok"
	Warning    Level = "warning"
	Failed     Level = "failed"
	NotChecked Level = "not checked"
)

// Finding is one line of the report.
type Finding struct {
	Check  string `json:"check"`
	Level  Level  `json:"level"`
	Text   string `json:"text"`             // what was found, with the reason
	Remedy string `json:"remedy,omitempty"` // what to do
}

// Check is one thing to look at.
type Check struct {
	Name string
	What string // for the manual
	run  func(c *run) []Finding
}

// All are the checks in the order of the report: from the product by way of
// the plugin to clamd, and last whether it scans.
var All = []Check{
	{"product", "which products are installed, and how wide their antivirus server is", checkProduct},
	{"plugin", "which plugins are installed, and whether the server can load them", checkPlugins},
	{"loaded", "whether the running server has the library that is on disk", checkLoaded},
	{"clamd", "whether clamd runs and answers, and its version", checkAnswers},
	{"database", "how old its signatures are", checkDatabase},
	{"socket", "whether the product's user reaches clamd's socket", checkSocket},
	{"descriptor", "whether clamd takes a file by descriptor, which AppArmor or SELinux may prevent", checkDescriptor},
	{"clamd.conf", "the settings without which an OK means little", checkSettings},
	{"room", "room for what clamd unpacks", checkRoom},
	{"limits", "clamd's limits of open files and memory", checkLimits},
	{"memory", "memory for loading new signatures", checkMemory},
	{"clock", "the system's clock", checkClock},
	{"start", "whether the plugin starts in a host as in the product, as the product's user", checkStart},
	{"scan", "whether it finds the test virus, plain and in a zip, and lets clean files pass", checkScans},
}

// Options say what to look at and how.
type Options struct {
	Machine   *machine.Machine
	Product   string         // "" for the one that is installed
	Plugin    string         // "" for the one in the product's folder
	Settings  []host.Setting // the plugin's options
	ClamdConf string         // "" for the first that is found
	User      string         // who runs the product; "" to find out
	Hosts     []string       // folders that hold linux-386/avserver and linux-amd64/avserver
}

// Report is what all checks found.
type Report struct {
	Findings []Finding          `json:"findings"`
	Figures  map[string]float64 `json:"figures"` // seconds and bytes by name
}

// run is a run of the checks with what several of them need.
type run struct {
	Options
	ctx      context.Context
	products []product.Product // that are installed
	product  product.Product   // the one that is looked at; its ID is "" if there is none
	library  product.Library   // the plugin that is tried; its Path is "" if there is none
	user     machine.User      // who runs the product
	userFrom string
	conf     *clamdconf.Conf // nil if there is none on this machine
	confErr  error
	servers  []server // clamds that the plugin asks
	guessed  bool     // the servers are those of clamd.conf, for nobody gave an Address
	silent   []server // those that did not answer
	clamds   []machine.Process
	versions []version // what the servers said of themselves
	changed  string    // what to do about a clamd.conf that clamd has not read yet; "" if it has
	wrong    []string  // settings of clamd.conf that the report has told of
	figures  map[string]float64
	host     *Session // the plugin in its host; nil if it doesn't start
}

// Run makes all checks.
func Run(ctx context.Context, o Options) (Report, error) {
	r, err := newRun(ctx, o)
	if err != nil {
		return Report{}, err
	}
	defer r.close()
	var report Report
	for _, c := range All {
		for _, f := range c.run(r) {
			f.Check = c.Name
			report.Findings = append(report.Findings, f)
		}
	}
	report.Figures = r.figures
	return report, ctx.Err()
}

// newRun finds out what the checks look at.
func newRun(ctx context.Context, o Options) (*run, error) {
	r := &run{Options: o, ctx: ctx, figures: map[string]float64{}}
	for _, p := range product.All {
		if o.Machine.Exists(p.Folder) {
			r.products = append(r.products, p)
		}
	}
	if o.Product != "" {
		p, err := product.ByID(o.Product)
		if err != nil {
			return nil, err
		}
		r.product = p
	} else if len(r.products) > 0 {
		r.product = r.products[0]
	}
	r.findLibrary()
	r.hurry()
	if err := r.findUser(); err != nil {
		return nil, err
	}
	r.clamds = o.Machine.Processes("clamd")
	if err := r.findConf(); err != nil {
		return nil, err
	}
	return r, r.findServers()
}

// findLibrary takes --plugin, or the product's avir_clam, or another plugin of
// ours.
func (r *run) findLibrary() {
	if r.Plugin != "" {
		r.library = product.LibraryAt(r.Machine, r.Plugin)
		return
	}
	if r.product.ID == "" {
		return
	}
	for _, l := range r.product.Libraries(r.Machine) {
		if l.Name == clamPlugin {
			r.library = l
			return
		}
		if l.Ours && r.library.Path == "" {
			r.library = l
		}
	}
}

// hurry lets the plugin wait as briefly for clamd as it can, unless the
// administrator wants to see how long it takes: monitoring systems don't wait
// for 90 s.
func (r *run) hurry() {
	const option, least = "StartupTimeout", "10"
	if r.library.Name == clamPlugin && r.setting(option, "") == "" {
		r.Settings = append(r.Settings, host.Setting{Name: option, Value: least})
	}
}

// clamPlugin is the plugin that asks clamd.
const clamPlugin = "avir_clam"

func (r *run) findUser() (err error) {
	if r.User != "" {
		r.user, err = r.Machine.User(r.User)
		r.userFrom = "--user"
		return err
	}
	if r.product.ID == "" {
		r.user, r.userFrom = machine.User{Name: "root", Groups: []int{0}}, "there is no product"
		return nil
	}
	r.user, r.userFrom = r.product.User(r.Machine)
	return nil
}

// findConf reads clamd.conf. That the named one can't be read is an error; that
// there is none at the usual places is not, for clamd may run elsewhere.
func (r *run) findConf() error {
	if r.ClamdConf != "" {
		text, err := r.Machine.ReadFile(r.ClamdConf)
		if err != nil {
			return fmt.Errorf("--clamd-conf: %w", err)
		}
		r.conf = clamdconf.Parse(r.ClamdConf, text)
		return nil
	}
	for _, place := range clamdconf.Places {
		for _, path := range r.Machine.Glob(place) {
			text, err := r.Machine.ReadFile(path)
			if err == nil {
				r.conf = clamdconf.Parse(path, text)
				return nil
			}
			r.confErr = err
		}
	}
	return nil
}

// setting returns the value of a plugin's option, or what it is by default.
func (r *run) setting(name, otherwise string) string {
	for _, s := range r.Settings {
		if equalFold(s.Name, name) {
			otherwise = s.Value // the last one counts
		}
	}
	return otherwise
}

func one(level Level, remedy, format string, args ...any) []Finding {
	return []Finding{{Level: level, Text: fmt.Sprintf(format, args...), Remedy: remedy}}
}
