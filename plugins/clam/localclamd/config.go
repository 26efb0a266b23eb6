package localclamd

import (
	"strconv"
	"strings"
)

// Config are the settings of clamd.conf that decide what an OK is worth.
type Config struct {
	TemporaryDirectory string // empty where clamd decides by its environment
	MaxScanSize        int64  // bytes
	MaxFileSize        int64
	MaxThreads         int64
	MaxQueue           int64
}

// parseConfig reads clamd.conf. clamd takes the first value of a setting.
func parseConfig(text string) Config {
	values := map[string]string{}
	for _, line := range strings.Split(text, "\n") {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if _, known := values[name]; !known && !strings.HasPrefix(name, "#") {
			values[name] = strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	number := func(name string, standard int64) int64 {
		if n, ok := parseSize(values[name]); ok {
			return n
		}
		return standard
	}
	return Config{
		TemporaryDirectory: values["TemporaryDirectory"],
		MaxScanSize:        number("MaxScanSize", 400<<20),
		MaxFileSize:        number("MaxFileSize", 100<<20),
		MaxThreads:         number("MaxThreads", 10),
		MaxQueue:           number("MaxQueue", 100),
	}
}

// parseSize reads 100, 100K, 100M or 1G.
func parseSize(text string) (n int64, ok bool) {
	digits := strings.TrimRight(strings.ToUpper(text), "KMG")
	n, err := strconv.ParseInt(digits, 10, 33)
	switch unit := strings.ToUpper(text[len(digits):]); unit {
	case "K":
		n <<= 10
	case "M":
		n <<= 20
	case "G":
		n <<= 30
	case "":
	default:
		return 0, false
	}
	return n, err == nil && n >= 0
}
