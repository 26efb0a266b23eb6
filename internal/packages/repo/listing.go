package repo

import (
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// parseStanza returns the fields of a Debian control stanza. A field of several
// lines keeps the ends of its lines.
func parseStanza(text string) map[string]string {
	fields, last := map[string]string{}, ""
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, " ") {
			fields[last] += "\n" + strings.TrimSpace(line)
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		fields[name], last = strings.TrimSpace(value), name
	}
	return fields
}

// parsePackages reads an apt list of packages.
func parsePackages(data []byte) (listing, error) {
	list := listing{}
	for stanza := range strings.SplitSeq(strings.TrimSpace(string(data)), "\n\n") {
		if stanza == "" {
			continue
		}
		fields := parseStanza(stanza)
		place, ok := strings.CutPrefix(fields["Filename"], strings.TrimPrefix(debPool, "apt/")+"/")
		if !ok || list[place] != "" {
			return nil, fmt.Errorf("a list of packages names %q, which lies elsewhere or twice there", fields["Filename"])
		}
		list[place] = fields["SHA256"]
	}
	return list, nil
}

// repomdFile is yum's index of indexes.
const repomdFile = "repodata/repomd.xml"

// repomdIndex is what it says.
type repomdIndex struct {
	Repo     string `xml:"tags>repo"` // the channel; version 0.1 had none
	Revision int64  `xml:"revision"`  // the time
	Data     []struct {
		Type     string `xml:"type,attr"`
		Checksum string `xml:"checksum"`
		Location struct {
			Href string `xml:"href,attr"`
		} `xml:"location"`
	} `xml:"data"`
}

// parseRepomd reads the repomd.xml of a channel.
func parseRepomd(data []byte, c Channel) (index repomdIndex, err error) {
	if err := xml.Unmarshal(data, &index); err != nil {
		return repomdIndex{}, fmt.Errorf("read %s: %w", repomdFile, err)
	}
	if index.Repo != string(c) && (index.Repo != "" || c != Stable) {
		return repomdIndex{}, fmt.Errorf("it is the index of the channel %q, and lies where that of %s belongs", index.Repo, c)
	}
	return index, nil
}

// parsePrimary reads yum's list of packages.
func parsePrimary(data []byte) (listing, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("read yum's list of packages: %w", err)
	}
	var primary struct {
		Packages []struct {
			Checksum string `xml:"checksum"`
			Location struct {
				Href string `xml:"href,attr"`
			} `xml:"location"`
		} `xml:"package"`
	}
	if err := xml.NewDecoder(io.LimitReader(z, maxFile)).Decode(&primary); err != nil {
		return nil, fmt.Errorf("read yum's list of packages: %w", err)
	}
	list := listing{}
	for _, p := range primary.Packages {
		if list[p.Location.Href] != "" {
			return nil, fmt.Errorf("yum's list of packages names %q twice", p.Location.Href)
		}
		list[p.Location.Href] = p.Checksum
	}
	return list, nil
}
