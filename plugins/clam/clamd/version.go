package clamd

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// oldDatabase is the age from which a database is worth a warning. freshclam
// gets a new one every day.
const oldDatabase = 7 * 24 * time.Hour

// maxVersion bounds the length of the answer.
const maxVersion = 4096

// versionTimeout bounds VERSION as a whole, whatever comes meanwhile.
const versionTimeout = 2 * time.Second

// checkVersion asks for the version of a server and tells whether it is
// another one than before, be it of clamd or of its database. An old database
// is warned about.
func (s *server) checkVersion(ctx context.Context) (isNew bool) {
	version, err := s.askVersion(ctx)
	s.mu.Lock()
	before := s.version
	s.versions = time.Now()
	if err == nil {
		s.version = version
	}
	s.mu.Unlock()
	if err != nil {
		s.log.Debugf("clamd at %s doesn't tell its version: %v", s.addr, err)
		return false
	}
	if version != before {
		s.log.Debugf("clamd at %s is %s", s.addr, version)
	}
	if age, known := databaseAge(version, time.Now()); known && age > oldDatabase {
		s.warnOnce("age", fmt.Sprintf("has a database that is %d days old: check freshclam there", age/(24*time.Hour)))
	}
	return before != "" && version != before
}

// askVersion asks on a connection of its own, never within a session: a clamd
// of 1.5 or later can refuse VERSION and then closes the connection. Its time
// and the length of the answer are bounded, and the end of ctx ends it.
func (s *server) askVersion(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	conn, err := s.dial(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if _, err := io.WriteString(conn, "zVERSION\x00"); err != nil {
		return "", err
	}
	answer, err := bufio.NewReader(io.LimitReader(conn, maxVersion)).ReadString(0)
	if err != nil {
		return "", fmt.Errorf("VERSION answered with %q: %w", shorten(answer, maxQuote), err)
	}
	return strings.TrimSuffix(answer, "\x00"), nil
}

// databaseDate reads "ClamAV 1.4.6/27500/Sat Nov 21 09:30:00 2026". A clamd
// without the official database tells no date.
func databaseDate(version string) (made time.Time, known bool) {
	parts := strings.SplitN(version, "/", 3)
	if len(parts) != 3 {
		return time.Time{}, false
	}
	made, err := time.Parse(time.ANSIC, strings.TrimRight(parts[2], "\n "))
	return made, err == nil
}

// databaseAge is how long ago the official database was made.
func databaseAge(version string, now time.Time) (age time.Duration, known bool) {
	made, known := databaseDate(version)
	return now.Sub(made), known
}
