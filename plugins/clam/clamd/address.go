package clamd

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
)

// Address is one clamd server.
type Address struct {
	Network string // "tcp" or "unix"
	Addr    string // host:port, or the socket's absolute path
}

func (a Address) String() string { return a.Addr }

// maxSocketPath is the kernel's limit for the path of a unix socket.
const maxSocketPath = 107

// ParseAddresses reads a list of servers, separated by commas, semicolons or
// blanks: host, host:port, [v6]:port, a bare IPv6 address, or the absolute
// path of a unix socket, with or without tcp: or unix: before it. It returns
// the servers that it understood, without repetitions, and an error that names
// each of the others, and also a bare IPv6 address that seems to end in a
// port: that one is used as it is written.
func ParseAddresses(list string, defaultPort int) ([]Address, error) {
	var (
		found []Address
		errs  []error
		seen  = map[Address]bool{}
	)
	separates := func(r rune) bool { return r == ',' || r == ';' || unicode.IsSpace(r) }
	for _, entry := range strings.FieldsFunc(list, separates) {
		addr, err := parseAddress(entry, defaultPort)
		if err == nil && !seen[addr] {
			seen[addr] = true
			found = append(found, addr)
		}
		if err == nil {
			err = checkBare(entry, defaultPort)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("server %q: %w", entry, err))
		}
	}
	return found, errors.Join(errs...)
}

// cutScheme cuts tcp: or unix: off a server, with or without slashes.
func cutScheme(entry string) (scheme, rest string) {
	for _, scheme := range []string{"tcp", "unix"} {
		if len(entry) > len(scheme) && entry[len(scheme)] == ':' && strings.EqualFold(entry[:len(scheme)], scheme) {
			return scheme, strings.TrimPrefix(entry[len(scheme)+1:], "//")
		}
	}
	return "", entry
}

func parseAddress(entry string, defaultPort int) (Address, error) {
	scheme, entry := cutScheme(entry)
	switch {
	case scheme == "unix" && !strings.HasPrefix(entry, "/"):
		return Address{}, errors.New("unix: needs the absolute path of a socket")
	case scheme == "tcp" && strings.HasPrefix(entry, "/"):
		return Address{}, errors.New("tcp: needs a host")
	}
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
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return Address{}, fmt.Errorf("port %q is not a number from 1 to 65535", port)
	}
	host, err = parseHost(host, strings.HasPrefix(entry, "["))
	if err != nil {
		return Address{}, err
	}
	return Address{"tcp", net.JoinHostPort(host, strconv.FormatUint(n, 10))}, nil
}

// clamdPort is the one that every clamd.conf suggests.
const clamdPort = 3310

// checkBare warns of "::1:3310", which is an IPv6 address and no port.
func checkBare(entry string, defaultPort int) error {
	_, entry = cutScheme(entry)
	end := strings.LastIndexByte(entry, ':')
	if strings.HasPrefix(entry, "/") || strings.HasPrefix(entry, "[") || strings.Count(entry, ":") < 2 {
		return nil
	}
	if last := entry[end+1:]; last == strconv.Itoa(defaultPort) || last == strconv.Itoa(clamdPort) {
		return fmt.Errorf("an IPv6 address as a whole; if %s is its port, write [%s]:%s", last, entry[:end], last)
	}
	return nil
}
