package clamd

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// parseHost refuses what can't be a host name or an IP address, so that a
// slip of the pen is reported at once and not as a name that isn't found. It
// returns the one spelling by which two names of a server are equal.
func parseHost(host string, brackets bool) (string, error) {
	if host == "" {
		return "", errors.New("the host is missing")
	}
	if brackets || strings.Contains(host, ":") {
		ip, err := netip.ParseAddr(host)
		if err != nil || !ip.Is6() {
			return "", errors.New("not an IPv6 address")
		}
		return ip.String(), nil
	}
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	if last := labels[len(labels)-1]; last != "" && strings.Trim(last, "0123456789") == "" {
		// No top-level domain is a number.
		ip, err := netip.ParseAddr(host)
		if err != nil {
			return "", errors.New("not an IPv4 address")
		}
		return ip.String(), nil
	}
	if len(host) > maxName {
		return "", fmt.Errorf("a host name has at most %d bytes", maxName)
	}
	for _, label := range labels {
		if err := checkLabel(label); err != nil {
			return "", err
		}
	}
	return strings.ToLower(host), nil
}

// Limits of the domain name system.
const (
	maxName  = 253
	maxLabel = 63
)

// checkLabel looks at one part of a host name.
func checkLabel(label string) error {
	switch {
	case label == "":
		return errors.New("a host name has no empty parts")
	case len(label) > maxLabel:
		return fmt.Errorf("the part %.20s... of the host name is longer than %d bytes", label, maxLabel)
	case strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-"):
		return errors.New("no part of a host name begins or ends with a hyphen")
	}
	for _, r := range label {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '-', r == '_':
		default:
			return fmt.Errorf("%q can't be in a host name", r)
		}
	}
	return nil
}
