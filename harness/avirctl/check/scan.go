package check

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/avirkit/avirkit/harness/avirctl/guide"
	"github.com/avirkit/avirkit/harness/avirctl/machine"
	"github.com/avirkit/avirkit/harness/host"
	"github.com/avirkit/avirkit/harness/samples"
)

// checkStart starts the plugin as the product does.
func checkStart(r *run) []Finding {
	if r.library.Path == "" {
		return one(NotChecked, "name a plugin with --plugin to test it", "there is no plugin to start")
	}
	if r.library.Name == clamPlugin && len(r.silent) == len(r.servers) {
		// It would wait for as long as monitoring systems wait for this program.
		return one(NotChecked, "let clamd answer first, see above", "%s can't start without a clamd", r.library.Path)
	}
	s, err := Open(r.ctx, r.library, r.hostOptions(), r.user)
	if s == nil {
		return one(NotChecked, "", "%v", err)
	}
	who := r.user.String()
	if credential(r.user) == nil && r.user.UID != os.Geteuid() {
		who = fmt.Sprintf("this user, and not as %s, for that needs root", r.user)
	}
	found := append(r.statusFile(), r.logFindings(s.Logs())...)
	if err != nil {
		return append(found, one(Failed, r.startRemedy(err), "%s does not start in a host as %s: %v", r.library.Path, who, err)...)
	}
	r.host = s
	r.figures["start_seconds"] = s.Init.Seconds()
	return append(found, one(OK, "", "%s starts in %v as %s (%s)", r.library.Path, s.Init.Round(time.Millisecond), who, settings(r.Settings))...)
}

// statusFile judges from outside whether the running plugin can write its
// StatusFile, which the host of this check must leave alone.
func (r *run) statusFile() []Finding {
	file := r.setting("StatusFile", "")
	if !path.IsAbs(file) {
		return nil
	}
	obstacle, f, err := r.Machine.Obstacle(r.user, machine.Write|machine.Execute, path.Dir(file))
	switch {
	case err != nil:
		return one(Warning, fmt.Sprintf("make the folder, and let %s write to it", r.user), "the StatusFile %s can't be written: %v", file, err)
	case obstacle != "":
		return one(Warning, fmt.Sprintf("let %s write to %s, or choose another folder", r.user, path.Dir(file)),
			"the StatusFile %s can't be written by %s: %s has mode %04o", file, r.user, obstacle, f.Mode().Perm())
	}
	return nil
}

// startRemedy looks for the most frequent reason.
func (r *run) startRemedy(reason error) string {
	if obstacle, f, err := r.Machine.Obstacle(r.user, 4, r.library.Path); err == nil && obstacle != "" {
		return fmt.Sprintf("%s may not read it: chmod o+rX %s, which has mode %04o", r.user, obstacle, f.Mode().Perm())
	}
	if r.conf != nil && r.local() {
		dir := r.conf.Value("TemporaryDirectory")
		for _, p := range r.clamds {
			if obstacle, f, err := r.Machine.Obstacle(p.User, machine.Write|machine.Execute, dir); err == nil && obstacle != "" {
				return fmt.Sprintf("let clamd, which runs as %s, write to its TemporaryDirectory %s: %s has mode %04o", p.User, dir, obstacle, f.Mode().Perm())
			}
		}
	}
	if r.changed != "" {
		return r.changed
	}
	if remedy := guide.Explain(reason.Error()); remedy != "" {
		return remedy
	}
	return "see the reason, and the guide's chapter Troubleshooting"
}

func settings(list []host.Setting) string {
	if len(list) == 0 {
		return "default options"
	}
	text := ""
	for i, s := range list {
		if i > 0 {
			text += ", "
		}
		text += s.Name + "=" + s.Value
	}
	return text
}

// logFindings shows warnings and errors that the plugin logged.
func (r *run) logFindings(lines []host.Line) []Finding {
	var found []Finding
	for _, l := range lines {
		if slices.ContainsFunc(r.wrong, func(setting string) bool { return strings.Contains(l.Text, "set "+setting+" ") }) {
			continue // the report has it already, with the line to change
		}
		if l.Level == "warning" || l.Level == "error" || l.Level == "security" {
			remedy := guide.Explain(l.Text)
			if r.changed != "" && strings.Contains(l.Text, "clamd.conf") {
				remedy = r.changed // what it asks for may be there
			}
			found = append(found, one(Warning, remedy, "the plugin logs: %s", l.Text)...)
		}
	}
	return found
}

// words say what a sample is, and what a wrong verdict means.
var words = map[string]struct{ what, remedy string }{
	samples.Clean:  {"a clean file", "look into clamd's log: nothing in this file is a virus"},
	samples.Eicar:  {"the test virus", "mail is not being scanned: look at what is said above of clamd and its settings"},
	"eicar.zip":    {"the test virus in a zip", "ScanArchive yes and room in TemporaryDirectory, see above"},
	"eicarpwd.zip": {"an encrypted zip", "AlertEncrypted yes in clamd.conf, or viruses in encrypted archives pass"},
	samples.Huge:   {"a clean file of 15 MB", "raise StreamMaxLength, MaxFileSize and MaxScanSize in clamd.conf"},
}

// checkScans scans the samples that tell most.
func checkScans(r *run) []Finding {
	if r.host == nil {
		return one(NotChecked, "", "without a plugin that starts nothing can be scanned")
	}
	dir, err := os.MkdirTemp("", "avirctl-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = os.Chmod(dir, 0o755) // the product's user reads it
	}
	if err == nil {
		err = samples.Generate(dir)
	}
	if err != nil {
		return one(NotChecked, "set TMPDIR to a folder with room", "the files to scan can't be made: %v", err)
	}
	var found []Finding
	for _, s := range samples.All() {
		w, tells := words[s.Name]
		if !tells {
			continue
		}
		file := path.Join(dir, s.Name)
		if err := os.Chmod(file, 0o644); err != nil {
			return one(NotChecked, "", "%v", err)
		}
		a, err := r.host.Scan(file)
		if err != nil {
			return append(found, one(Failed, "tell the plugin's vendor", "%s: %v", w.what, err)...)
		}
		if r.changed != "" && s.Name != samples.Clean {
			w.remedy = r.changed
		}
		r.figures["scan_seconds_"+s.Name] = a.Time.Seconds()
		text := fmt.Sprintf("%s is answered with %v in %v", w.what, a.Verdict, a.Time.Round(time.Millisecond/10))
		if a.Text != "" {
			text += " (" + a.Text + ")"
		}
		switch {
		case a.Verdict == s.Expect:
			found = append(found, one(OK, "", "%s", text)...)
		case s.Expect == host.VirusFound || a.Verdict == host.Failed || a.Verdict == host.Error:
			found = append(found, one(Failed, w.remedy, "%s and not with %v", text, s.Expect)...)
		default:
			found = append(found, one(Warning, w.remedy, "%s and not with %v", text, s.Expect)...)
		}
	}
	return append(found, r.logFindings(r.host.Logs())...)
}

func (r *run) close() {
	if r.host != nil {
		_ = r.host.Close() // what it answered is in the report
	}
}
