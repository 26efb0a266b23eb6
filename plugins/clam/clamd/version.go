package clamd

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// oldDatabase is the age from which a database is worth a warning. freshclam
// gets a new one every day.
const oldDatabase = 7 * 24 * time.Hour

// versionTimeout bounds VERSION as a whole, whatever comes meanwhile.
const versionTimeout = 2 * time.Second

// checkVersion logs the version of a server that has proven itself, and warns
// if its database is old.
func (c *Client) checkVersion(ctx context.Context, s *server) {
	version, err := askVersion(ctx, s.addr)
	if err != nil {
		c.log.Debugf("clamd at %s doesn't tell its version: %v", s.addr, err)
		return
	}
	c.log.Debugf("clamd at %s is %s", s.addr, version)
	if age, known := databaseAge(version, time.Now()); known && age > oldDatabase {
		c.warnOnce(s, "age", fmt.Sprintf("has a database that is %d days old: check freshclam there", age/(24*time.Hour)))
	}
}

// askVersion asks on a connection of its own, never within a session: a clamd
// of 1.5 or later can refuse VERSION and then closes the connection. Its time
// and the length of the answer are bounded, and the end of ctx ends it.
func askVersion(ctx context.Context, addr Address) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, addr.Network, addr.Addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if _, err := io.WriteString(conn, "zVERSION\x00"); err != nil {
		return "", err
	}
	answer, err := bufio.NewReader(io.LimitReader(conn, maxReply)).ReadString(0)
	if err != nil {
		return "", fmt.Errorf("VERSION answered with %q: %w", shorten(answer, maxQuote), err)
	}
	return strings.TrimSuffix(answer, "\x00"), nil
}

// databaseAge reads "ClamAV 1.4.6/27500/Sat Nov 21 09:30:00 2026". A clamd
// without the official database tells no date.
func databaseAge(version string, now time.Time) (age time.Duration, known bool) {
	parts := strings.SplitN(version, "/", 3)
	if len(parts) != 3 {
		return 0, false
	}
	made, err := time.Parse(time.ANSIC, strings.TrimRight(parts[2], "\n "))
	if err != nil {
		return 0, false
	}
	return now.Sub(made), true
}
