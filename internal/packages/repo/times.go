package repo

import (
	"encoding/xml"
	"time"
)

// IndexTimes returns when the topmost indexes were made, by their names. read
// returns the content of a file, nil where there is none.
func IndexTimes(read func(name string) []byte) map[string]time.Time {
	times := map[string]time.Time{}
	for _, c := range channels {
		name := c.suite() + "/InRelease"
		// The signature around the index has no such field.
		if at, err := time.Parse(aptTime, parseStanza(string(read(name)))["Date"]); err == nil {
			times[name] = at
		}
		var index repomdIndex
		name = c.yum() + "/" + repomdFile
		if xml.Unmarshal(read(name), &index) == nil && index.Revision != 0 {
			times[name] = time.Unix(index.Revision, 0)
		}
	}
	return times
}
