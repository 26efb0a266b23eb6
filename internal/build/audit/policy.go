package audit

import "github.com/avirkit/avirkit/internal/build/platform"

// Policy is what libraries of all platforms are measured against. The oldest
// glibc and kernel stand in the list of platforms.
type Policy struct {
	// GoVersion is the one Go release, such as "go1.23.12", whose runtime is
	// known to run on the oldest supported kernel. Libraries that hold no Go
	// are not asked.
	GoVersion string
	// Exports are the functions that the library must export, and nothing else.
	Exports []string
}

// maxFileSize bounds what is read into memory, in bytes. An antivirus engine
// linked in statically takes some tens of megabytes.
const maxFileSize = 512 << 20

// maxStaticTLS is how much static TLS a library may take, in bytes. glibc 2.11
// keeps 1,664 for all libraries that a process loads late, and the host's other
// libraries have the same right to it. Go takes one address.
const maxStaticTLS = 64

// goSettings are the build settings that a Go plugin must have been built with.
func goSettings(p *platform.Platform) [][2]string {
	return [][2]string{
		{"-buildmode", "c-shared"},
		{"-trimpath", "true"},
		{"CGO_ENABLED", "1"},
		{"GOARCH", p.GOARCH},
		{"GOOS", "linux"},
	}
}

// goTags keep glibc's name service, and the libraries it loads, out of the
// host's process.
var goTags = []string{"netgo", "osusergo"}

// goForbidden are functions that end the host's process or take its signals.
var goForbidden = []string{
	"os.Exit", "syscall.Exit",
	"log.Fatal", "log.Fatalf", "log.Fatalln",
	"log.(*Logger).Fatal", "log.(*Logger).Fatalf", "log.(*Logger).Fatalln",
	"os/signal.Notify", "os/signal.Ignore", "os/signal.Reset",
}

// cForbidden are the C library's ways to end the process without a fault.
var cForbidden = []string{"exit", "_exit", "_Exit", "quick_exit", "err", "errx", "verr", "verrx"}

// cAborts are those with a fault.
var cAborts = []string{"abort", "__assert_fail", "__assert_perror_fail"}
