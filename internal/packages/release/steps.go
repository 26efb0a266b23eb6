package release

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/dirhash"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/run"
)

// steps runs the steps of a release and remembers in a file which were
// finished, so that a run after a failure or a kill goes on where that one
// stopped. A step is known by all that it depends on: the release and what the
// steps before it made. It is done again when its own results are not there as
// it left them.
type steps struct {
	file string // empty: nothing is remembered
	key  string // of what was done until now
	done map[string]finished
}

// finished is a step that ended well.
type finished struct {
	Step    string   `json:"step"`
	Results string   `json:"results"`           // the digest of what it made
	Remarks []string `json:"remarks,omitempty"` // what the release note must say of it
}

// newSteps returns the steps of the release that is known by identity.
func newSteps(file string, identity ...string) *steps {
	s := &steps{file: file, key: fmt.Sprintf("%q", identity), done: map[string]finished{}}
	// A file that is damaged or of another version is as good as none.
	if data, err := os.ReadFile(file); err == nil && json.Unmarshal(data, &s.done) != nil {
		s.done = map[string]finished{}
	}
	return s
}

// run does a step unless it was done before. results are the folders that it
// fills.
func (s *steps) run(ctx context.Context, name string, results []string, f func(context.Context) (remarks []string, err error)) (remarks []string, err error) {
	key := fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%s %q", s.key, name)))
	if before, ok := s.done[key]; ok {
		if now, err := digests(results); err == nil && now == before.Results {
			run.Printf("  ok %s: done before for this commit, version and key", name)
			s.key = key + now
			return before.Remarks, nil
		}
		run.Printf("  !! %s is done again: what it made has changed since", name)
	}
	if remarks, err = f(ctx); err != nil {
		return nil, err
	}
	now, err := digests(results)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	s.key = key + now
	if s.file == "" {
		return remarks, nil
	}
	s.done[key] = finished{name, now, remarks}
	data, err := json.MarshalIndent(s.done, "", "  ")
	if err != nil {
		return nil, err
	}
	return remarks, atomicdir.WriteFile(s.file, data, 0o644)
}

// note lets the next steps depend on what a folder holds.
func (s *steps) note(folder string) error {
	now, err := digests([]string{folder})
	s.key += now
	return err
}

// digests returns one text for the contents of folders.
func digests(folders []string) (all string, err error) {
	for _, dir := range folders {
		sum, err := dirhash.HashDir(dir, filepath.Base(dir), dirhash.Hash1)
		if err != nil {
			return "", fmt.Errorf("read what was made: %w", err)
		}
		all += sum + " "
	}
	return all, nil
}
