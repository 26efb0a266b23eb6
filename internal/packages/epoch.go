package packages

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// FindEpoch returns the one time that goes into everything that is made:
// SOURCE_DATE_EPOCH, or the time of the commit that is checked out at root.
func FindEpoch(ctx context.Context, root string) (time.Time, error) {
	text, from := os.Getenv("SOURCE_DATE_EPOCH"), "SOURCE_DATE_EPOCH"
	if text == "" {
		out, err := Git(ctx, root, "log", "-1", "--format=%ct")
		if err != nil {
			return time.Time{}, fmt.Errorf("find the commit's time: %w: set SOURCE_DATE_EPOCH to the seconds since 1970 that the packages shall carry", err)
		}
		text, from = strings.TrimSpace(out), "the commit's time"
	}
	// rpm's times are unsigned 32-bit numbers.
	seconds, err := strconv.ParseUint(text, 10, 32)
	if err != nil || seconds == 0 {
		return time.Time{}, fmt.Errorf("%s is %q: it must be the seconds since 1970, below 2^32", from, text)
	}
	at := time.Unix(int64(seconds), 0).UTC()
	if at.After(time.Now()) {
		return time.Time{}, fmt.Errorf("%s is in the future, %s: apt would refuse a repository of that time; set the clock right, or SOURCE_DATE_EPOCH", from, at)
	}
	return at, nil
}
