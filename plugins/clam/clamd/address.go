package clamd

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
)

// Address is one clamd server.
type Address struct {
	Network string // "tcp" or "unix"
	Addr    string // host:port, or the socket's absolute path
}

func (a Address) String() string { return a.Addr }

// maxSocketPath is the kernel's limit for the path of a unix socket.
const maxSocketPath = 107

// ParseAddresses reads a list of servers, separated by commas: host,
// host:port, [v6]:port, a bare IPv6 address, or the absolute path of a unix
// socket. It returns the servers that it understood, without repetitions, and
// an error that names each of the others.
func ParseAddresses(list string, defaultPort int) ([]Address, error) {
	var (
		found []Address
		errs  []error
		seen  = map[Address]bool{}
	)
	for _, entry := range strings.Split(list, ",") {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		addr, err := parseAddress(entry, defaultPort)
		if err != nil {
			errs = append(errs, fmt.Errorf("server %q: %w", entry, err))
			continue
		}
		if !seen[addr] {
			seen[addr] = true
			found = append(found, addr)
		}
	}
	return found, errors.Join(errs...)
}

func parseAddress(entry string, defaultPort int) (Address, error) {
	if strings.HasPrefix(entry, "/") {
		path := filepath.Clean(entry)
		if len(path) > maxSocketPath {
			return Address{}, fmt.Errorf("the path of a unix socket has at most %d bytes", maxSocketPath)
		}
		return Address{"unix", path}, nil
	}
	host, port := entry, strconv.Itoa(defaultPort)
	switch {
	case strings.HasPrefix(entry, "[") && strings.HasSuffix(entry, "]"):
		host = entry[1 : len(entry)-1]
	case strings.HasPrefix(entry, "[") || strings.Count(entry, ":") == 1:
		var err error
		if host, port, err = net.SplitHostPort(entry); err != nil {
			return Address{}, errors.New("not host:port, [IPv6]:port or the absolute path of a unix socket")
		}
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return Address{}, fmt.Errorf("port %q is not a number from 1 to 65535", port)
	}
	if err := checkHost(host, strings.HasPrefix(entry, "[")); err != nil {
		return Address{}, err
	}
	return Address{"tcp", net.JoinHostPort(host, port)}, nil
}

// checkHost refuses what can't be a host name or an IP address, so that a
// slip of the pen is reported at once and not as a name that isn't found.
func checkHost(host string, brackets bool) error {
	if host == "" {
		return errors.New("the host is missing")
	}
	if brackets || strings.Contains(host, ":") {
		ip, _, _ := strings.Cut(host, "%") // a zone, as in fe80::1%eth0
		if !strings.Contains(ip, ":") || net.ParseIP(ip) == nil {
			return errors.New("not an IPv6 address")
		}
		return nil
	}
	for _, r := range host {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '-', r == '.', r == '_':
		default:
			return fmt.Errorf("%q can't be in a host name", r)
		}
	}
	return nil
}
