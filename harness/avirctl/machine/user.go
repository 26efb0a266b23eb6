package machine

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// User is somebody who runs processes.
type User struct {
	Name   string
	UID    int
	GID    int
	Groups []int // all of them
}

// String is the name, or the number of a user without one.
func (u User) String() string {
	if u.Name == "" {
		return fmt.Sprintf("user %d", u.UID)
	}
	return u.Name
}

// User finds a user by name or number.
func (m *Machine) User(name string) (User, error) {
	for _, fields := range m.table("/etc/passwd", 4) {
		if fields[0] != name && fields[2] != name {
			continue
		}
		uid, err := strconv.Atoi(fields[2])
		gid, err2 := strconv.Atoi(fields[3])
		if err != nil || err2 != nil {
			continue
		}
		return User{fields[0], uid, gid, m.groups(fields[0], gid)}, nil
	}
	if uid, err := strconv.Atoi(name); err == nil && uid >= 0 {
		return User{"", uid, uid, []int{uid}}, nil
	}
	return User{}, fmt.Errorf("there is no user %s in /etc/passwd", name)
}

// GroupName returns a group's name, or its number.
func (m *Machine) GroupName(gid int) string {
	for _, fields := range m.table("/etc/group", 3) {
		if fields[2] == strconv.Itoa(gid) {
			return fields[0]
		}
	}
	return strconv.Itoa(gid)
}

func (m *Machine) groups(name string, gid int) []int {
	groups := []int{gid}
	for _, fields := range m.table("/etc/group", 4) {
		if id, err := strconv.Atoi(fields[2]); err == nil && slices.Contains(strings.Split(fields[3], ","), name) {
			groups = append(groups, id)
		}
	}
	return groups
}

// table reads a file of lines with fields between colons.
func (m *Machine) table(path string, fields int) [][]string {
	data, err := m.ReadFile(path)
	if err != nil {
		return nil
	}
	var rows [][]string
	for _, line := range strings.Split(string(data), "\n") {
		if row := strings.Split(line, ":"); len(row) >= fields {
			rows = append(rows, row)
		}
	}
	return rows
}

// Permission bits, as for others.
const (
	Read    = 4
	Write   = 2
	Execute = 1
)

// May tells whether a user may use a file that has these permissions.
func (u User) May(want int, f File) bool {
	mode := int(f.Mode().Perm())
	switch {
	case u.UID == 0:
		return want&Execute == 0 || f.IsDir() || mode&0o111 != 0
	case u.UID == f.UID:
		mode >>= 6
	case slices.Contains(u.Groups, f.GID):
		mode >>= 3
	}
	return mode&want == want
}

// Obstacle returns what keeps a user from using the file at path: a folder on
// the way or the file itself, and its state. It returns "" if nothing does.
func (m *Machine) Obstacle(u User, want int, path string) (obstacle string, f File, err error) {
	for dir := "/"; ; {
		if f, err = m.Stat(dir); err != nil {
			return dir, f, err
		}
		if dir == path {
			break
		}
		if !u.May(Execute, f) {
			return dir, f, nil
		}
		rest := strings.TrimPrefix(path[len(dir):], "/")
		name, _, _ := strings.Cut(rest, "/")
		dir = filepath.Join(dir, name)
	}
	if !u.May(want, f) {
		return path, f, nil
	}
	return "", f, nil
}

// Writer finds somebody other than root and the user u who may replace the
// file at path: the owner, the group, or others of a file that can be written
// to or of a folder on the way. It returns "" for who if there is none.
func (m *Machine) Writer(u User, path string) (where, who string) {
	for where = path; ; where = filepath.Dir(where) {
		f, err := m.Stat(where)
		if err != nil {
			return "", "" // nothing there to replace
		}
		mode := f.Mode()
		if mode&os.ModeSticky != 0 {
			mode &^= 0o022 // only who owns a file there may replace it
		}
		switch {
		case f.UID != 0 && f.UID != u.UID:
			owner, _ := m.User(strconv.Itoa(f.UID)) // any number is a user
			return where, owner.String()
		case mode&0o002 != 0:
			return where, "everybody"
		case mode&0o020 != 0 && f.GID != 0 && f.GID != u.GID:
			return where, "group " + m.GroupName(f.GID)
		}
		if where == "/" {
			return "", ""
		}
	}
}
