package api

import "strconv"

// Verdict is the host's answer code for one scanned file.
type Verdict int

// The values are fixed by the host's interface.
const (
	Failed     Verdict = 0 // an error while scanning this file
	OK         Verdict = 1 // scanned to the end and clean
	VirusFound Verdict = 2 // infected; Result.Text is the virus name
	VirusCured Verdict = 3 // not supported by the host: the SDK answers VirusFound instead
	Impossible Verdict = 4 // can't be checked: encrypted, corrupted, over a limit
	Error      Verdict = 5 // broken beyond this file: the host kills its server process and loads the plugin again
)

// String returns the name of v in the host's header, without its prefix.
func (v Verdict) String() string {
	switch v {
	case Failed:
		return "FAILED"
	case OK:
		return "OK"
	case VirusFound:
		return "VIRUS_FOUND"
	case VirusCured:
		return "VIRUS_CURED"
	case Impossible:
		return "IMPOSSIBLE"
	case Error:
		return "ERROR"
	}
	return "Verdict(" + strconv.Itoa(int(v)) + ")"
}

// Result is a verdict and the text that goes with it: the virus name, or the
// reason why there is no clean answer. The host takes 7-bit ASCII of limited
// length (255 bytes today); the SDK replaces what is not and cuts the rest.
type Result struct {
	Verdict Verdict
	Text    string
}
