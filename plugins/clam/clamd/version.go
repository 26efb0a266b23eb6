package clamd

import (
	"context"
	"strings"
	"time"

	"github.com/baruwa-enterprise/clamd"
)

// oldDatabase is the age from which a database is worth a warning. freshclam
// gets a new one every day.
const oldDatabase = 7 * 24 * time.Hour

// versionTimeout bounds each step of a command outside of a session. Nothing
// can interrupt it, and Close waits for it.
const versionTimeout = 2 * time.Second

// checkVersion logs the version of a server that has proven itself, and warns
// if its database is old. A clamd of 1.5 or later can refuse VERSION and then
// closes the connection, so this is never asked within a session.
func (c *Client) checkVersion(ctx context.Context, s *server) {
	client, err := clamd.NewClient(s.addr.Network, s.addr.Addr)
	if err != nil {
		c.log.Debugf("clamd at %s: version: %v", s.addr, err)
		return
	}
	client.SetConnTimeout(versionTimeout)
	client.SetCmdTimeout(versionTimeout)
	version, err := client.Version(ctx)
	if err != nil {
		answers, pingErr := client.Ping(ctx)
		c.log.Debugf("clamd at %s doesn't tell its version (%v), answers PING: %v (%v)", s.addr, err, answers, pingErr)
		return
	}
	c.log.Debugf("clamd at %s is %s", s.addr, version)
	if age, known := databaseAge(version, time.Now()); known && age > oldDatabase {
		c.log.Warningf("clamd at %s has a database that is %d days old: check freshclam there", s.addr, age/(24*time.Hour))
	}
}

// databaseAge reads "ClamAV 1.4.6/27500/Sat Nov 21 09:30:00 2026". A clamd
// without the official database tells no date.
func databaseAge(version string, now time.Time) (age time.Duration, known bool) {
	parts := strings.SplitN(version, "/", 3)
	if len(parts) != 3 {
		return 0, false
	}
	made, err := time.Parse(time.ANSIC, strings.TrimRight(parts[2], "\x00\n "))
	if err != nil {
		return 0, false
	}
	return now.Sub(made), true
}
