package packages

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goreleaser/chglog"
)

// ChangelogEntry is what one version brought.
type ChangelogEntry struct {
	Version string
	Date    time.Time
	Changes []string
}

// maxChange is what "  * " leaves of the 80 columns that lintian allows.
const maxChange = 76

// LoadChangelog reads packaging/changelog.yml, newest version first.
func LoadChangelog(dir string) ([]ChangelogEntry, error) {
	file := filepath.Join(dir, "changelog.yml")
	var entries []ChangelogEntry
	if err := decode(file, &entries); err != nil {
		return nil, err
	}
	for i, e := range entries {
		if _, err := ParseVersion(e.Version); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if len(e.Changes) == 0 || e.Date.IsZero() {
			return nil, fmt.Errorf("%s: version %s has no changes or no date", file, e.Version)
		}
		for _, change := range e.Changes {
			if len(change) > maxChange || strings.Contains(change, "\n") {
				return nil, fmt.Errorf("%s: version %s: a change is one line of at most %d characters: %q", file, e.Version, maxChange, change)
			}
		}
		if i > 0 && !e.Date.Before(entries[i-1].Date) {
			return nil, fmt.Errorf("%s: version %s must be older than %s, which stands above it", file, e.Version, entries[i-1].Version)
		}
	}
	return entries, nil
}

// HistoryOf returns the changelog up to version v: v's entry and the older ones.
// It is nil if v has none.
func HistoryOf(entries []ChangelogEntry, v Version) []ChangelogEntry {
	i := slices.IndexFunc(entries, func(e ChangelogEntry) bool { return strings.TrimPrefix(e.Version, "v") == v.String() })
	if i < 0 {
		return nil
	}
	return entries[i:]
}

// entriesFor returns the changelog of a package of version v. A build between
// releases gets an entry of its own.
func entriesFor(entries []ChangelogEntry, v Version, at time.Time) []ChangelogEntry {
	if known := HistoryOf(entries, v); known != nil {
		return known
	}
	own := ChangelogEntry{Version: v.String(), Date: at, Changes: []string{"Build of a version that is not released."}}
	return append([]ChangelogEntry{own}, entries...)
}

// chglogEntries turns entries into the type of nfpm's changelog library;
// version writes a version as the format does.
func chglogEntries(entries []ChangelogEntry, maintainer string, version func(Version) string) (chglog.ChangeLogEntries, error) {
	var out chglog.ChangeLogEntries
	for _, e := range entries {
		v, err := ParseVersion(e.Version)
		if err != nil {
			return nil, err
		}
		entry := &chglog.ChangeLog{
			ChangeLogOverridables: chglog.ChangeLogOverridables{
				Deb: &chglog.ChangelogDeb{Urgency: "medium", Distributions: []string{Suite}},
			},
			Semver:   version(v),
			Date:     e.Date,
			Packager: maintainer,
		}
		for _, change := range e.Changes {
			entry.Changes = append(entry.Changes, &chglog.ChangeLogChange{Note: change})
		}
		out = append(out, entry)
	}
	return out, nil
}

// debChangelog returns the text of a Debian changelog.
func debChangelog(name string, entries chglog.ChangeLogEntries) ([]byte, error) {
	tpl, err := chglog.DebTemplate()
	if err != nil {
		return nil, fmt.Errorf("read the changelog's template: %w", err)
	}
	text, err := chglog.FormatChangelog(&chglog.PackageChangeLog{Name: name, Entries: entries}, tpl)
	if err != nil {
		return nil, fmt.Errorf("write the changelog: %w", err)
	}
	return []byte(strings.TrimSpace(text) + "\n"), nil
}
