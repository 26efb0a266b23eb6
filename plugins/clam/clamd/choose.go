package clamd

// choose takes the ready server with the fewest scans under way and counts a
// scan on it. It returns nil if none is ready. avoid has refused the file: it
// is chosen only when all others are down.
func (c *Client) choose(avoid *server) *server {
	for {
		var best *server
		var least int
		var mayCome bool // another than avoid is being tested
		// A new start each time spreads the scans of an idle farm.
		turn, n := c.turn.Add(1), uint32(len(c.servers))
		for i := range n {
			s := c.servers[(turn%n+i)%n]
			is, busy := s.load()
			switch {
			case is != ready:
				mayCome = mayCome || is == untested && s != avoid
			case best == nil, best == avoid, s != avoid && busy < least:
				best, least = s, busy
			}
		}
		if best == nil || best == avoid && mayCome {
			return nil
		}
		if best.acquire() {
			return best
		}
	}
}
