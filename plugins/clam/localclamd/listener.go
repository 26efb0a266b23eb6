package localclamd

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// listener returns the clamd that listens where a connected socket leads.
func listener(socket int) (pid int, err error) {
	peer, err := syscall.Getpeername(socket)
	if err != nil {
		return 0, fmt.Errorf("ask for the other end of a connection: %w", err)
	}
	var inodes map[string]bool
	switch peer := peer.(type) {
	case *syscall.SockaddrUnix:
		// The kernel names who called listen(): systemd, where that made the
		// socket for clamd.
		cred, err := syscall.GetsockoptUcred(socket, syscall.SOL_SOCKET, syscall.SO_PEERCRED)
		if err == nil && cred.Pid > 0 && isClamd(int(cred.Pid)) {
			return int(cred.Pid), nil
		}
		inodes = unixListeners(peer.Name)
	case *syscall.SockaddrInet4, *syscall.SockaddrInet6:
		at := addrPort(peer)
		own, err := syscall.Getsockname(socket)
		if err != nil {
			return 0, fmt.Errorf("ask for this end of a connection: %w", err)
		}
		// Only a connection to this machine has the same address at both ends.
		if addrPort(own).Addr() != at.Addr() && !at.Addr().IsLoopback() {
			return 0, ErrElsewhere
		}
		inodes = tcpListeners(at)
	}
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range processes {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if isClamd(pid) && hasSocket(pid, inodes) {
			return pid, nil
		}
	}
	return 0, ErrHidden
}

// isClamd tells whether a process is one, by the name of its program, and has
// not ended: until its parent asks how, the kernel still lists it.
func isClamd(pid int) bool {
	status, err := os.ReadFile(p(pid, "status"))
	return err == nil && strings.HasPrefix(string(status), "Name:\tclamd\n") && !strings.Contains(string(status), "\nState:\tZ")
}

// hasSocket tells whether a process has one of the sockets.
func hasSocket(pid int, inodes map[string]bool) bool {
	descriptors, _ := filepath.Glob(p(pid, "fd/*"))
	for _, d := range descriptors {
		link, _ := os.Readlink(d)
		if inode, ok := strings.CutPrefix(link, "socket:["); ok && inodes[strings.TrimSuffix(inode, "]")] {
			return true
		}
	}
	return false
}

// unixListeners are the inodes of the sockets that listen at a path.
func unixListeners(path string) map[string]bool {
	found := map[string]bool{}
	for _, f := range table("/proc/net/unix") {
		// Num RefCount Protocol Flags Type St Inode Path; the flag is __SO_ACCEPTCON.
		if len(f) == 8 && f[7] == path && f[3] == "00010000" {
			found[f[6]] = true
		}
	}
	return found
}

// tcpListeners are the inodes of the sockets that listen at an address, or at
// its port on all addresses.
func tcpListeners(at netip.AddrPort) map[string]bool {
	found := map[string]bool{}
	for _, f := range append(table("/proc/net/tcp"), table("/proc/net/tcp6")...) {
		const listening = "0A"
		if len(f) < 10 || f[3] != listening {
			continue
		}
		local, ok := parseProcAddress(f[1])
		if ok && local.Port() == at.Port() && (local.Addr() == at.Addr() || local.Addr().IsUnspecified()) {
			found[f[9]] = true
		}
	}
	return found
}

// parseProcAddress reads "0100007F:0CF6": words of four bytes in the machine's
// order, and the port.
func parseProcAddress(text string) (netip.AddrPort, bool) {
	host, port, _ := strings.Cut(text, ":")
	b, err := hex.DecodeString(host)
	n, badPort := strconv.ParseUint(port, 16, 16)
	if err != nil || badPort != nil || len(b)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for word := b; len(word) > 0; word = word[4:] {
		binary.NativeEndian.PutUint32(word, binary.BigEndian.Uint32(word))
	}
	ip, ok := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(ip.Unmap(), uint16(n)), ok
}

// table reads the lines of a file in /proc as fields, without the first.
func table(path string) (rows [][]string) {
	text, _ := os.ReadFile(path)
	_, lines, _ := strings.Cut(string(text), "\n")
	for _, line := range strings.Split(lines, "\n") {
		rows = append(rows, strings.Fields(line))
	}
	return rows
}

func addrPort(sa syscall.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *syscall.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port))
	}
	return netip.AddrPort{}
}
