package clamd

import (
	"fmt"
	"testing"

	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

// faults are the ways in which a clamd fails, each with its row in the fault
// table of plugins/clam/README.md.
var faults = []struct {
	row  int
	name string
	test func(t *testing.T)
}{
	{1, "refused or missing socket is retried", refused},
	{2, "full backlog of the unix socket is waited for", backlogFull},
	{3, "TCP blackhole costs no more than the connect bound", blackhole},
	{4, "no reply is repeated", faultOf("no-reply")},
	{5, "end of connection before the reply is repeated", faultOf("eof")},
	{6, "reply without its terminator is no reply", faultOf("half-reply")},
	{7, "reply one byte at a time is a reply", slowReply},
	{8, "reset in mid-upload with a reply uses the reply", resetWithReply},
	{9, "reset in mid-upload without a reply is repeated", resetWithout},
	{10, "stream over clamd's limit follows OnLimit", sizeLimit},
	{11, "session that clamd gave up while idle is replaced", idleTimeout},
	{12, "timeout text in mid-scan is repeated", faultOf("timeout")},
	{13, "reply to another command is repeated on a fresh connection", foreignID},
	{14, "two replies that contradict each other are failed", twoReplies},
	{15, "PONG before the verdict is waited past", pongFirst},
	{16, "name with colons and spaces is a virus", oddNames},
	{17, "path or name that holds OK or FOUND is read exactly", misleadingNames},
	{18, "very long name is a virus", longName},
	{19, "reply without end is cut off", endless},
	{20, "clamd that knows no sessions is failed", noSession},
	{21, "empty reply and Excluded are failed", neitherVerdict},
	{22, "clamd without memory is failed", noMemory},
	{23, "names that mean cannot check are impossible", cannotCheck},
	{24, "file that shrinks or grows is failed", changingFile},
	{25, "file over the limit is not sent", tooLarge},
	{26, "what is no readable regular file is failed", notAFile},
	{27, "clamd that stops reading is given up", stopReading},
	{28, "clamd killed in mid-scan is repeated", killed},
	{29, "reload in mid-scan changes nothing", reloaded},
	{30, "dead engine behind a PONG is found out", deadEngine},
	{31, "missing TemporaryDirectory is found out", noTemporaryDirectory},
	{32, "close ends a scan at once", closed},
	{33, "one of several dead servers is still tried", allDown},
	{34, "ERROR that blames clamd sends the file to another server", errorBlamesClamd},
	{35, "TemporaryDirectory that fills up is found out", temporaryDirectoryFills},
	{36, "clamd short of descriptors gets no file", shortOfDescriptors},
	{37, "idle sessions of ours don't starve a scan", ownSessions},
	{38, "black hole among the addresses of a name costs one connection", blackHoleAmongAddresses},
}

func TestFault(t *testing.T) {
	for _, f := range faults {
		withoutLeaks(t, faultName(f.row, f.name), f.test)
	}
}

// faultName is how the README names a row's test after "TestFault/".
func faultName(row int, name string) string { return fmt.Sprintf("%02d %s", row, name) }

// faultOf tests a fault of the fake that a repetition survives, over both
// transports.
func faultOf(name string) func(t *testing.T) {
	return func(t *testing.T) {
		newRig(t, overTCP).repeated(name, testvirus.EICAR())
		newRig(t, overUnix).repeated(name, testvirus.EICAR())
	}
}
