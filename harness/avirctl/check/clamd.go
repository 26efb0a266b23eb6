package check

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/avirkit/avirkit/harness/avirctl/machine"
)

// version is what a clamd says of itself.
type version struct {
	server   server
	engine   string    // 1.4.3
	database time.Time // of its signatures; zero if it has no official ones
	number   string    // of its signatures
}

// parseVersion reads the reply to VERSION: "ClamAV 1.4.3/27500/Tue Jan 14
// 09:30:00 2025", or "ClamAV 1.4.3" without official signatures.
func parseVersion(reply string) (version, error) {
	parts := strings.SplitN(reply, "/", 3)
	engine, ok := strings.CutPrefix(parts[0], "ClamAV ")
	if !ok {
		return version{}, fmt.Errorf("it answers %q and not as clamd does", cut(reply, 80))
	}
	v := version{engine: engine}
	if len(parts) == 3 {
		v.number = parts[1]
		date, err := time.Parse("Mon Jan _2 15:04:05 2006", strings.TrimSpace(parts[2]))
		if err != nil {
			return v, fmt.Errorf("the date of its signatures, %q, can't be read", cut(parts[2], 40))
		}
		v.database = date
	}
	return v, nil
}

func cut(text string, most int) string {
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}

// old tells whether a clamd is older than 0.101, when settings got new names.
func (v version) old() bool {
	minor := 0
	n, _ := fmt.Sscanf(v.engine, "0.%d", &minor)
	return n == 1 && minor < 101
}

// checkAnswers asks each server for its version.
func checkAnswers(r *run) []Finding {
	var found []Finding
	if r.guessed {
		found = append(found, one(OK, "", "no option Address was given; taken is %s, where the clamd of %s listens (--set Address=… for the one of the console)",
			r.servers[0], r.conf.File)...)
	}
	for _, s := range r.servers {
		begin := time.Now()
		reply, err := r.ask(s, "VERSION")
		if err != nil {
			r.silent = append(r.silent, s)
			found = append(found, Finding{Level: Failed, Text: fmt.Sprintf("%s does not answer: %v", s, inner(err)), Remedy: r.remedy(s, err)})
			continue
		}
		v, err := parseVersion(reply)
		v.server = s
		switch {
		case strings.Contains(reply, "COMMAND UNAVAILABLE"):
			found = append(found, one(OK, "", "%s answers, but doesn't tell its version (EnableVersionCommand no)", s)...)
			continue
		case err != nil && v.engine == "":
			found = append(found, one(Failed, "look at the option Address: another program listens there", "%s is no clamd: %v", s, err)...)
			continue
		}
		r.versions = append(r.versions, v)
		found = append(found, one(OK, "", "%s is ClamAV %s and answers in %v", s, v.engine, time.Since(begin).Round(time.Millisecond/10))...)
	}
	return found
}

// remedy says what to do about a server that doesn't answer.
func (r *run) remedy(s server, err error) string {
	listens := r.listens()
	nobody := errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
	switch {
	case nobody && s.here() && len(listens) > 0 && !slices.ContainsFunc(listens, func(l string) bool { return r.same(l, s.address) }):
		return fmt.Sprintf("set Address to %s, where %s has it", strings.Join(listens, " or "), r.conf.File)
	case nobody && s.here() && len(r.clamds) == 0 && r.Machine.Blind() == "":
		return r.startClamd()
	case nobody && s.network == "tcp" && s.here() && len(r.clamds) > 0:
		return "clamd runs and doesn't listen there: on Debian with systemd the port must stand in clamav-daemon.socket, see the guide's chapter Look whether clamd answers"
	case errors.Is(err, os.ErrNotExist):
		return fmt.Sprintf("there is no socket %s: set the option Address to where clamd listens, or LocalSocket in clamd.conf", s)
	case errors.Is(err, os.ErrPermission):
		return "run this as root, or let this user open the socket"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "start clamd there, or set Address and Port to where it listens; it listens when it has loaded its signatures"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "clamd hangs, loads new signatures, or a firewall drops the packets: look into its log"
	}
	return "look into clamd's log, and whether Address and Port are right"
}

// startClamd says how, and looks for what a new machine lacks.
func (r *run) startClamd() string {
	const start = "start clamd: systemctl start clamav-daemon (Debian), clamd@scan (Red Hat)"
	if r.conf != nil && r.conf.Refused != "" {
		return "clamd refuses its clamd.conf: " + r.conf.Refused
	}
	if r.conf != nil {
		if dir := r.conf.Value("DatabaseDirectory"); len(r.signatures(dir, "")) == 0 {
			return fmt.Sprintf("wait until freshclam has fetched signatures, or run freshclam: there are none in %s yet; then %s", dir, start)
		}
	}
	return start + "; it listens when it has loaded its signatures, which takes up to a minute. If it ends, journalctl -u clamav-daemon or its log says why"
}

// listens are the addresses in clamd.conf.
func (r *run) listens() []string {
	if r.conf == nil {
		return nil
	}
	return r.conf.Addresses()
}

// same tells whether two addresses are one: /var/run is a link to /run.
func (r *run) same(a, b string) bool {
	run, err := r.Machine.Stat("/run")
	old, err2 := r.Machine.Stat("/var/run")
	if err == nil && err2 == nil && os.SameFile(run.FileInfo, old.FileInfo) {
		a, b = strings.TrimPrefix(a, "/var"), strings.TrimPrefix(b, "/var")
	}
	return a == b
}

// inner drops what was tried from an error of the net package, for the report
// has said that.
func inner(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("no answer within %v", askTime)
	}
	if op := new(net.OpError); errors.As(err, &op) {
		err = op.Err
	}
	if call := new(os.SyscallError); errors.As(err, &call) {
		err = call.Err
	}
	return err
}

// oldDatabase is the age from which signatures are called old. The plugin warns
// from the same age on.
const oldDatabase = 7 * 24 * time.Hour

// checkDatabase looks at the age of the signatures.
func checkDatabase(r *run) []Finding {
	var found []Finding
	for _, v := range r.versions {
		if v.database.IsZero() {
			found = append(found, r.undated(v.server)...)
			continue
		}
		age := r.Machine.Now().Sub(v.database)
		r.figures["database_age_seconds"] = max(r.figures["database_age_seconds"], age.Seconds())
		text := fmt.Sprintf("%s has signatures %s of %s, %s old", v.server, v.number, v.database.Format("2006-01-02"), days(age))
		if age > oldDatabase {
			found = append(found, one(Failed, r.freshclam(), "%s: new viruses are not found", text)...)
			continue
		}
		found = append(found, one(OK, "", "%s", text)...)
	}
	if len(found) == 0 {
		return one(NotChecked, "", "no clamd told of its signatures")
	}
	return found
}

// undated judges a clamd that tells no date, as one does without a daily.cvd.
// Who has only signatures of his own has chosen them.
func (r *run) undated(s server) []Finding {
	const remedy = "let freshclam fetch the official signatures"
	if r.conf == nil || !s.here() || len(r.clamds) == 0 {
		return one(Warning, remedy, "%s has no official signatures, or doesn't tell their date", s)
	}
	dir := r.conf.Value("DatabaseDirectory")
	if len(r.signatures(dir, "main")) > 0 || len(r.signatures(dir, "")) == 0 {
		return one(Warning, remedy, "%s has no daily signatures: there is no daily.cvd in %s", s, dir)
	}
	return one(NotChecked, remedy+", if your own are not meant to be all", "%s has none of the official signatures, only others, which have no date", s)
}

// signatures are the files of a DatabaseDirectory with a name, or all of them.
func (r *run) signatures(dir, name string) []string {
	return slices.DeleteFunc(r.Machine.Glob(dir+"/"+name+"*.*"), func(path string) bool {
		return strings.HasSuffix(path, ".dat") // freshclam's own notes
	})
}

// freshclam says what to do about old signatures.
func (r *run) freshclam() string {
	if len(r.clamds) > 0 && len(r.Machine.Processes("freshclam")) == 0 {
		return "freshclam does not run: systemctl enable --now clamav-freshclam, or look whether cron starts it; /var/log/clamav/freshclam.log tells of its last run"
	}
	return "look why freshclam fetches none: /var/log/clamav/freshclam.log, or run freshclam"
}

func days(d time.Duration) string {
	if d < 48*time.Hour {
		return fmt.Sprintf("%.0f hours", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}

// checkSocket looks whether the product's user may open clamd's sockets.
func checkSocket(r *run) []Finding {
	sockets := r.unixSockets()
	if len(sockets) == 0 {
		return one(NotChecked, "", "the plugin asks clamd over TCP")
	}
	var found []Finding
	for _, s := range sockets {
		obstacle, f, err := r.Machine.Obstacle(r.user, machine.Write, s.address)
		if err != nil {
			found = append(found, one(NotChecked, "", "there is no %s", obstacle)...) // checkAnswers says what to do
			continue
		}
		state := fmt.Sprintf("%s (owner %d, group %s, mode %04o)", s, f.UID, r.Machine.GroupName(f.GID), f.Mode().Perm())
		switch {
		case obstacle == "":
			found = append(found, one(OK, "", "%s is open to %s (%s)", state, r.user, r.userFrom)...)
		case obstacle == s.address:
			found = append(found, one(Failed, fmt.Sprintf("set LocalSocketMode 666 in clamd.conf (under systemd SocketMode=0666 in clamav-daemon.socket), or add %s to group %s; then restart clamd and the product", r.user, r.Machine.GroupName(f.GID)),
				"%s may not open %s", r.user, state)...)
		default:
			found = append(found, one(Failed, fmt.Sprintf("chmod o+x %s, or another LocalSocket in clamd.conf", obstacle),
				"%s can't reach %s: it may not enter %s (mode %04o)", r.user, s, obstacle, f.Mode().Perm())...)
		}
	}
	return found
}

// checkDescriptor passes an open file to clamd and looks at what protects it.
func checkDescriptor(r *run) []Finding {
	sockets := r.unixSockets()
	if len(sockets) == 0 {
		return one(NotChecked, "", "the plugin asks clamd over TCP, where contents are sent")
	}
	protection := r.protection()
	if strings.EqualFold(r.setting("Mode", "auto"), "instream") {
		return one(OK, "", "Mode is instream, so contents are sent; %s", protection)
	}
	f, err := os.CreateTemp("", "avirctl-")
	if err != nil {
		return one(NotChecked, "", "no file for it could be made: %v", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	_, _ = f.WriteString("a clean file\n")
	var found []Finding
	for _, s := range sockets {
		if slices.Contains(r.silent, s) {
			found = append(found, one(NotChecked, "", "%s does not answer", s)...)
			continue
		}
		reply, err := r.passDescriptor(s, f)
		switch {
		case err != nil:
			found = append(found, one(NotChecked, "", "%s: %v", s, inner(err))...)
		case strings.HasSuffix(reply, ": OK"):
			found = append(found, one(OK, "", "%s takes files by descriptor; %s", s, protection)...)
		default:
			found = append(found, one(Warning, "let clamd's profile read the product's files (AppArmor: /etc/apparmor.d/local/usr.sbin.clamd; SELinux: setsebool -P antivirus_can_scan_system 1), or leave it: the plugin sends the contents then, which is slower",
				"%s refuses a file by descriptor, with %q; %s", s, cut(reply, 120), protection)...)
		}
	}
	return found
}

// protection says what AppArmor and SELinux do with clamd.
func (r *run) protection() string {
	if text, err := r.Machine.ReadFile("/sys/fs/selinux/enforce"); err == nil {
		if strings.TrimSpace(string(text)) != "1" {
			return "SELinux is permissive"
		}
		if b, err := r.Machine.ReadFile("/sys/fs/selinux/booleans/antivirus_can_scan_system"); err == nil && !strings.HasPrefix(string(b), "1") {
			return "SELinux is enforcing, and antivirus_can_scan_system is off"
		}
		return "SELinux is enforcing"
	}
	if text, err := r.Machine.ReadFile("/sys/module/apparmor/parameters/enabled"); err != nil || !strings.HasPrefix(string(text), "Y") {
		return "neither AppArmor nor SELinux is on"
	}
	profiles, err := r.Machine.ReadFile("/sys/kernel/security/apparmor/profiles")
	if err != nil {
		return "AppArmor is on"
	}
	for _, line := range strings.Split(string(profiles), "\n") {
		if strings.Contains(line, "clamd") {
			return "AppArmor has the profile " + strings.TrimSpace(line)
		}
	}
	return "AppArmor is on, and has no profile for clamd"
}
