package clamdconf

import (
	"fmt"
	"strconv"
	"strings"
)

// Setting is one of the table in docs/administrator.md, which a test compares
// with this one.
type Setting struct {
	Name string
	Old  string // its name before ClamAV 0.101, "" if it was the same
	Why  string // what happens otherwise

	// Wrong tells whether a clamd.conf has it wrong, and what its line must be.
	wrong func(c *Conf, limits Limits) (wrong bool, want string)

	Deadly bool // nothing is scanned as it should be: failed instead of warning
}

// Limits are what the plugin and the product need of clamd.
type Limits struct {
	MaxFileSize uint64 // the plugin's option, in bytes
	Scans       int    // at once
	ScanTimeout int    // the plugin's option, in seconds
}

// Settings are those that decide whether an OK is worth anything, and those
// that keep scans from being cut off.
var Settings = []Setting{
	{Name: "AlertEncrypted", Old: "ArchiveBlockEncrypted", wrong: off("AlertEncrypted", "ArchiveBlockEncrypted"),
		Why: "clamd calls an encrypted archive clean"},
	{Name: "AlertExceedsMax", Old: "BlockMax", wrong: off("AlertExceedsMax", "BlockMax"),
		Why: "clamd calls an archive clean that is over MaxScanSize, MaxScanTime, MaxRecursion or MaxFiles"},
	{Name: "MaxFileSize", wrong: smaller("MaxFileSize", fileSize),
		Why: "larger files can't be checked, and clamd passes over a larger member of an archive without a word"},
	{Name: "MaxScanSize", wrong: smaller("MaxScanSize", fileSize),
		Why: "larger files can't be checked, and clamd stops early in an archive"},
	{Name: "StreamMaxLength", wrong: smaller("StreamMaxLength", fileSize),
		Why: "larger files can't be checked over TCP"},
	{Name: "ScanArchive", wrong: off("ScanArchive", ""), Deadly: true,
		Why: "clamd calls archives clean, and the plugin doesn't start"},
	{Name: "HeuristicScanPrecedence", wrong: on("HeuristicScanPrecedence"),
		Why: "a virus beside an encrypted member is reported as encrypted"},
	{Name: "MaxThreads", wrong: smaller("MaxThreads", func(_ *Conf, l Limits) uint64 { return uint64(l.Scans) }),
		Why: "scans that the product does at once wait for each other"},
	{Name: "MaxQueue", wrong: smaller("MaxQueue", func(c *Conf, _ Limits) uint64 { return 2 * c.Number("MaxThreads") }),
		Why: "connections are kept waiting"},
	{Name: "ReadTimeout", wrong: smaller("ReadTimeout", func(*Conf, Limits) uint64 { return 30 }),
		Why: "clamd closes connections in the middle of a scan"},
	{Name: "MaxScanTime", wrong: longer,
		Why: "the plugin gives up before clamd does; or raise the plugin's option ScanTimeout"},
}

func fileSize(_ *Conf, l Limits) uint64 { return l.MaxFileSize }

// off is for settings that must be on. The old name counts as well.
func off(name, old string) func(*Conf, Limits) (bool, string) {
	return func(c *Conf, _ Limits) (bool, string) {
		return !c.Yes(name) && (old == "" || !c.Yes(old)), "yes"
	}
}

// on is for settings that must be off.
func on(name string) func(*Conf, Limits) (bool, string) {
	return func(c *Conf, _ Limits) (bool, string) { return c.Yes(name), "no" }
}

// smaller is for settings with a least value. 0 means no limit, but MaxThreads
// and the like have none.
func smaller(name string, least func(*Conf, Limits) uint64) func(*Conf, Limits) (bool, string) {
	return func(c *Conf, l Limits) (bool, string) {
		n, want := c.Number(name), least(c, l)
		unlimited := n == 0 && strings.HasSuffix(name, "Size")
		return n < want && !unlimited, inUnits(want)
	}
}

func longer(c *Conf, l Limits) (bool, string) {
	ms := c.Number("MaxScanTime")
	want := uint64(l.ScanTimeout) * 1000 * 2 / 3
	return ms == 0 || ms >= uint64(l.ScanTimeout)*1000, strconv.FormatUint(want, 10)
}

func inUnits(n uint64) string {
	if n >= 1<<20 && n%(1<<20) == 0 {
		return fmt.Sprintf("%dM", n>>20)
	}
	return strconv.FormatUint(n, 10)
}

// Wrong is a setting that should be another one.
type Wrong struct {
	Setting
	Have   string // where it stands and what it is
	Remedy string // what to write where
}

// Compare returns what is wrong in a clamd.conf. old says that clamd is older
// than 0.101.
func (c *Conf) Compare(l Limits, old bool) []Wrong {
	var all []Wrong
	for _, s := range Settings {
		wrong, want := s.wrong(c, l)
		if !wrong {
			continue
		}
		name := s.Name
		if old && s.Old != "" {
			name = s.Old
		}
		w := Wrong{Setting: s, Have: fmt.Sprintf("%s has no %s, and the default is %s", c.File, name, defaults[name]),
			Remedy: fmt.Sprintf("put the line \"%s %s\" into %s", name, want, c.File)}
		line, found := c.First(name)
		if !found && s.Old != "" { // deprecated, and heeded all the same
			line, found = c.First(s.Old)
		}
		if found {
			w.Have = fmt.Sprintf("%s line %d says %s %s", c.File, line.Number, line.Name, line.Value)
			w.Remedy = fmt.Sprintf("change line %d of %s to \"%s %s\"", line.Number, c.File, name, want)
		}
		for _, later := range c.Ignored(line.Name) {
			w.Have += fmt.Sprintf("; line %d says %s and counts for nothing, because clamd takes the first", later.Number, later.Value)
		}
		w.Remedy += ", then restart clamd"
		all = append(all, w)
	}
	return all
}
