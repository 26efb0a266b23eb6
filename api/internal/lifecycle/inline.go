package lifecycle

import (
	"errors"

	"github.com/avirkit/avirkit/api"
)

// inline calls the author's scanner on the host's own thread. The author has
// promised that Scan returns at its deadline: when it doesn't, neither does
// the host's call.
type inline struct {
	run     *run
	scanner api.Scanner
}

// newInline calls NewScanner on a goroutine of its own, because the author
// has promised a deadline only for Scan.
func newInline(r *run) (*inline, error) {
	if err := r.library.room(); err != nil {
		return nil, err
	}
	s := &inline{run: r}
	late, err := aside(r.timeout, nil, "NewScanner", func() (err error) {
		s.scanner, err = makeScanner(r)
		return err
	})
	if late != nil {
		r.library.abandon(late, func(err error) {
			if err == nil {
				_ = protect("Scanner.Close", s.scanner.Close)
			}
		})
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// makeScanner asks the author for a scanner.
func makeScanner(r *run) (made api.Scanner, err error) {
	err = protect("NewScanner", func() error {
		if made, err = r.library.plugin.NewScanner(); err == nil && made == nil {
			err = errors.New("NewScanner returned no scanner")
		}
		return err
	})
	return made, err
}

func (s *inline) scan(ctx *scanContext, file api.File) (result api.Result, lost bool) {
	result, lost = protectScan(s.run.log, s.scanner, ctx, file)
	if lost {
		_ = s.close() // a panic may have left it in any state: the next scan gets a new one
	}
	return result, lost
}

func (s *inline) close() error {
	late, err := aside(closeLimit, nil, "Scanner.Close", s.scanner.Close)
	if late != nil {
		s.run.library.abandon(late, func(error) {})
	}
	return err
}
