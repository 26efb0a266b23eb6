package clamd

import "math"

// checkMachine stub
func (s *server) checkMachine(fd int, size int64) (int64, error) { return math.MaxInt64, nil }
