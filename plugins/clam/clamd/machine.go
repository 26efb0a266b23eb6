package clamd

import (
	"errors"
	"fmt"
	"math"

	"github.com/avirkit/avirkit/plugins/clam/localclamd"
)

// deflateRatio is how many times its size a compressed file can unpack to.
const deflateRatio = 1032

// checkMachine looks at what decides about an OK where clamd runs on this
// machine and lets us look: no test from outside finds out whether there is
// room for what a larger archive unpacks to. It returns the size of the
// largest file that there is room for, which must be more than size.
func (s *server) checkMachine(socket int, size int64) (roomFor int64, err error) {
	process, err := localclamd.Find(socket)
	s.mu.Lock()
	s.process = process
	s.mu.Unlock()
	switch {
	case errors.Is(err, localclamd.ErrElsewhere):
		return math.MaxInt64, nil
	case err != nil:
		s.tellOnce(s.log.Debugf, "machine", fmt.Sprintf("can't be looked at from outside: %v", err))
		return math.MaxInt64, nil
	}
	if err := s.checkDescriptors(process); err != nil {
		return 0, err
	}
	s.checkMemory(process)
	return s.checkRoom(process, size)
}

// checkDescriptors makes sure that clamd can open what it unpacks while all
// its threads scan. Measured with eight threads: with 24 descriptors half of
// the infected archives were OK, with 40 none.
func (s *server) checkDescriptors(c *localclamd.Process) error {
	limit, limited := c.Limit("Max open files")
	threads, queue := c.Config.MaxThreads, c.Config.MaxQueue
	least, enough := 16+3*threads, 16+3*threads+2*queue
	switch {
	case limited && limit < least:
		return fmt.Errorf("%w: clamd may open %d files, and its %d threads (MaxThreads) need %d or more: raise LimitNOFILE or ulimit -n", errUnfit, limit, threads, least)
	case limited && limit < enough:
		s.warnOnce("descriptors", fmt.Sprintf("may open %d files, and needs %d where its queue is full (MaxQueue %d): raise LimitNOFILE or ulimit -n", limit, enough, queue))
	}
	return nil
}

// checkMemory warns where clamd's threads can't all have a file of the largest
// size in memory.
func (s *server) checkMemory(c *localclamd.Process) {
	files := c.Config.MaxThreads * c.Config.MaxFileSize
	if limit, limited := c.Limit("Max address space"); limited && c.Memory("VmSize")+files > limit {
		s.warnOnce("address space", fmt.Sprintf("may have %d MB of address space, too little for MaxThreads files of MaxFileSize: raise LimitAS or ulimit -v", limit>>20))
	}
	if limit, limited := c.MemoryLimit(); limited && c.Memory("VmRSS")+files > limit {
		s.warnOnce("memory", fmt.Sprintf("may have %d MB of memory, too little for MaxThreads files of MaxFileSize: raise MemoryMax, or lower MaxThreads", limit>>20))
	}
}

// checkRoom makes sure that TemporaryDirectory has room for what a file of
// size bytes can unpack to.
func (s *server) checkRoom(c *localclamd.Process, size int64) (roomFor int64, err error) {
	room, err := c.Room()
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errUnfit, err)
	}
	largest := c.Config.MaxScanSize // of what clamd unpacks, 0 if it has no limit
	need := size * deflateRatio
	if largest > 0 {
		need = min(need, largest)
	}
	if room < need {
		return 0, fmt.Errorf("%w: clamd's TemporaryDirectory %s has %d kB of room, and a file of %d bytes can unpack to %d kB: make room there or name another folder, and restart clamd, which remembers what it has called clean",
			errUnfit, c.TempDir, room>>10, size, need>>10)
	}
	if all := largest * c.Config.MaxThreads; room < all {
		s.warnOnce("room", fmt.Sprintf("has %d MB of room in its TemporaryDirectory %s, and needs %d MB (MaxScanSize times MaxThreads): without room it answers OK for what it can't unpack",
			room>>20, c.TempDir, all>>20))
	}
	if largest > 0 && room >= largest {
		return math.MaxInt64, nil
	}
	return room / deflateRatio, nil
}

// stillHasRoom makes sure that clamd has not run out of room while it scanned
// a file of size bytes.
func (s *server) stillHasRoom(size int64) error {
	s.mu.Lock()
	process := s.process
	s.mu.Unlock()
	if process == nil {
		return nil
	}
	_, err := s.checkRoom(process, size)
	return err
}
