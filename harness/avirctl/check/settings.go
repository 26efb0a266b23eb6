package check

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/avirkit/avirkit/harness/avirctl/clamdconf"
	"github.com/avirkit/avirkit/harness/avirctl/machine"
)

// scansAtOnce is how many scans the products do at the same time.
const scansAtOnce = 8

// checkSettings compares clamd.conf with the table of the guide.
func checkSettings(r *run) []Finding {
	if r.conf == nil {
		if r.confErr != nil {
			return one(NotChecked, "run this as root", "clamd.conf can't be read: %v", r.confErr)
		}
		return one(NotChecked, "name it with --clamd-conf, or look at the guide's table on the machine where clamd runs", "there is no clamd.conf at the usual places")
	}
	if r.conf.Refused != "" {
		return one(Failed, r.conf.Refused, "clamd does not start with %s", r.conf.File)
	}
	limits := clamdconf.Limits{MaxFileSize: 100 << 20, Scans: scansAtOnce, ScanTimeout: 180}
	if n := clamdconf.Size(r.setting("MaxFileSize", "")); n > 0 {
		limits.MaxFileSize = n
	}
	if n, err := strconv.Atoi(r.setting("ScanTimeout", "")); err == nil && n > 0 {
		limits.ScanTimeout = n
	}
	found := r.restartClamd()
	old := len(r.versions) > 0 && r.versions[0].old()
	for _, w := range r.conf.Compare(limits, old) {
		level := Warning
		r.wrong = append(r.wrong, w.Name, w.Old)
		if w.Deadly {
			level = Failed
		}
		found = append(found, one(level, w.Remedy, "%s: %s", w.Have, w.Why)...)
	}
	if len(found) == 0 {
		return one(OK, "", "%s has all settings of the guide's table", r.conf.File)
	}
	return found
}

// restartClamd finds a clamd that was started before clamd.conf was changed: it
// works with the earlier settings. SIGHUP and RELOAD don't make it read them.
func (r *run) restartClamd() []Finding {
	info, err := r.Machine.Stat(r.conf.File)
	if err != nil {
		return nil
	}
	for _, p := range r.clamds {
		started := p.Started()
		const slack = 2 * time.Second // times of processes and files are rounded
		if started.IsZero() || !r.reads(p) || info.ModTime().Before(started.Add(slack)) {
			continue
		}
		r.changed = "restart clamd: systemctl restart clamav-daemon (Debian), clamd@scan (Red Hat)"
		return one(Warning, r.changed, "%s was changed after clamd (process %d) was started, which has the earlier settings", r.conf.File, p.PID)
	}
	return nil
}

// reads tells whether a clamd has the clamd.conf that is looked at.
func (r *run) reads(p machine.Process) bool {
	for _, a := range p.Arguments() {
		if _, value, ok := strings.Cut(a, "="); ok {
			a = value // of --config-file
		}
		if strings.HasSuffix(a, ".conf") {
			return a == r.conf.File
		}
	}
	return true
}

// checkRoom compares the room in TemporaryDirectory with what clamd may unpack.
func checkRoom(r *run) []Finding {
	if r.conf == nil || !r.local() {
		return one(NotChecked, "", "clamd runs elsewhere, or its clamd.conf is not known")
	}
	dir := r.conf.Value("TemporaryDirectory")
	room, err := r.Machine.Room(dir)
	if err != nil {
		return one(Failed, "make the folder, owned by clamd's user, or name another TemporaryDirectory in "+r.conf.File,
			"clamd calls what it can't unpack clean: %v", err)
	}
	r.figures["room_bytes"] = float64(room)
	each, threads := r.conf.Number("MaxScanSize"), r.conf.Number("MaxThreads")
	if each == 0 { // no limit
		each = math.MaxUint32
	}
	text := fmt.Sprintf("%s has room for %s", dir, inMB(room))
	switch {
	case room < each:
		return one(Failed, fmt.Sprintf("make room for %s there (MaxScanSize times MaxThreads), or lower MaxScanSize", inMB(each*threads)),
			"%s, and one file may need %s: clamd calls clean what it could not unpack", text, inMB(each))
	case room < each*threads:
		return one(Warning, fmt.Sprintf("make room for %s there, or lower MaxScanSize or MaxThreads", inMB(each*threads)),
			"%s, and %d files at once may need %s: clamd calls clean what it could not unpack", text, threads, inMB(each*threads))
	}
	return one(OK, "", "%s, and %d files at once may need %s", text, threads, inMB(each*threads))
}

func inMB(n uint64) string {
	if n >= 10<<30 {
		return fmt.Sprintf("%.0f GB", float64(n)/(1<<30))
	}
	return fmt.Sprintf("%.0f MB", float64(n)/(1<<20))
}

// local tells whether a clamd of this machine is asked.
func (r *run) local() bool { return len(r.unixSockets()) > 0 || len(r.clamds) > 0 }

// fewestFiles is how many open files clamd needs: short of them it calls clean
// what it could not open. 40 were enough for 8 threads; this leaves room for
// connections.
const fewestFiles = 1024

// checkLimits looks at the limits of the clamd that runs.
func checkLimits(r *run) []Finding {
	if len(r.clamds) == 0 {
		return r.noClamd()
	}
	var found []Finding
	for _, p := range r.clamds {
		files, err := p.Limit("Max open files")
		if err != nil {
			found = append(found, one(NotChecked, "run this as root", "the limits of clamd (process %d) can't be read: %v", p.PID, err)...)
			continue
		}
		if files < fewestFiles {
			found = append(found, one(Failed, fmt.Sprintf("LimitNOFILE=%d in clamd's unit (systemctl edit clamav-daemon), or ulimit -n in its init script; then restart clamd", fewestFiles),
				"clamd (process %d) may open %d files, fewer than %d: short of them it calls infected archives clean", p.PID, files, fewestFiles)...)
			continue
		}
		var memory uint64 = machine.Unlimited
		for _, name := range []string{"Max address space", "Max data size"} {
			if n, err := p.Limit(name); err == nil {
				memory = min(memory, n)
			}
		}
		if memory < 2*p.RSS {
			found = append(found, one(Warning, "raise LimitAS and LimitDATA in clamd's unit", "clamd (process %d) has %s of memory and may have %s: too little for new signatures beside the old ones",
				p.PID, inMB(p.RSS), inMB(memory))...)
			continue
		}
		found = append(found, one(OK, "", "clamd (process %d) may open %d files", p.PID, files)...)
	}
	return found
}

func (r *run) noClamd() []Finding {
	if why := r.Machine.Blind(); why != "" {
		return one(NotChecked, seeProcesses, "%s", why)
	}
	return one(NotChecked, "", "no process clamd runs on this machine")
}

// seeProcesses is the remedy where they can't be seen.
const seeProcesses = "run this as root, with /proc mounted"

// checkMemory looks whether new signatures fit beside the old ones.
func checkMemory(r *run) []Finding {
	if len(r.clamds) == 0 {
		return r.noClamd()
	}
	available, err := r.Machine.AvailableMemory()
	if err != nil {
		return one(NotChecked, "", "%v", err)
	}
	r.figures["available_memory_bytes"] = float64(available)
	if r.conf != nil && !r.conf.Yes("ConcurrentDatabaseReload") {
		return one(OK, "", "ConcurrentDatabaseReload is off: new signatures need no more memory, and scans wait while they are loaded")
	}
	for _, p := range r.clamds {
		if available < p.RSS {
			return one(Warning, "add memory, or set ConcurrentDatabaseReload no in clamd.conf, which lets scans wait for half a minute meanwhile",
				"clamd (process %d) has %s of memory, and only %s are available: with new signatures it needs twice as much for a while", p.PID, inMB(p.RSS), inMB(available))
		}
	}
	return one(OK, "", "%s of memory are available, enough to load new signatures beside the old ones", inMB(available))
}

// checkClock compares the clock with what it can't be earlier than.
func checkClock(r *run) []Finding {
	now := r.Machine.Now()
	earliest, reason := buildTime(), "this program was made"
	for _, v := range r.versions {
		if v.database.After(earliest) {
			earliest, reason = v.database, "clamd's signatures were made"
		}
	}
	if day := earliest.AddDate(0, 0, -1); now.Before(day) {
		return one(Failed, "set the clock, and let ntp or chrony keep it: freshclam and certificates need it",
			"the clock says %s, which is before %s (%s)", now.Format("2006-01-02 15:04"), reason, earliest.Format("2006-01-02"))
	}
	return one(OK, "", "%s", now.Format("2006-01-02 15:04 MST"))
}
