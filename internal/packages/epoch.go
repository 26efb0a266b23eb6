package packages

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/avirkit/avirkit/internal/run"
)

// FindEpoch returns the one time that goes into everything that is made:
// SOURCE_DATE_EPOCH, or the time of the commit that is checked out at root.
func FindEpoch(ctx context.Context, root string) (time.Time, error) {
	text, from := os.Getenv("SOURCE_DATE_EPOCH"), "SOURCE_DATE_EPOCH"
	if text == "" {
		out, err := run.Command{
			Name: "git", Args: []string{"-C", root, "log", "-1", "--format=%ct"},
			Hint: "set SOURCE_DATE_EPOCH to the seconds since 1970 that the packages shall carry",
		}.Run(ctx)
		if err != nil {
			return time.Time{}, fmt.Errorf("find the commit's time: %w", err)
		}
		text, from = strings.TrimSpace(string(out)), "the commit's time"
	}
	// rpm's times are unsigned 32-bit numbers.
	seconds, err := strconv.ParseUint(text, 10, 32)
	if err != nil || seconds == 0 {
		return time.Time{}, fmt.Errorf("%s is %q: it must be the seconds since 1970, below 2^32", from, text)
	}
	return time.Unix(int64(seconds), 0).UTC(), nil
}
