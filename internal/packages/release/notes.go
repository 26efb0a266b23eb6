package release

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/avirkit/avirkit/internal/build/platform"
)

// notes returns the release note: what the changelog says of this version,
// and how to check and install it. That of a rehearsal says so: it is signed
// like a release.
func (f parts) notes(o Options) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# avirkit %s\n\n", o.Packages.Version)
	for _, reason := range f.rehearsal {
		fmt.Fprintf(&b, "NOT A RELEASE: %s.\n\n", reason)
	}
	if o.Packages.Version.Prerelease() {
		b.WriteString("A prerelease: not for servers that others depend on.\n\n")
	}
	for _, change := range f.entry.Changes {
		fmt.Fprintf(&b, "- %s\n", change)
	}
	fmt.Fprintf(&b, "\nBuilt with %s and %s %s for glibc %s and Linux %s or later.\n",
		f.manifest.Go, f.manifest.Toolchain, f.manifest.Compiler, f.manifest.GlibcFloor, f.manifest.KernelFloor)
	for _, remark := range f.remarks {
		fmt.Fprintf(&b, "\nRemark: %s.\n", remark)
	}
	b.WriteString("\n## Check\n\n```\nsha256sum -c SHA256SUMS\n")
	if s := o.Packages.Signer; s != nil {
		b.WriteString("gpg --import avirkit.asc\ngpg --verify SHA256SUMS.asc SHA256SUMS\n```\n\n")
		fmt.Fprintf(&b, "Fingerprint of the key: %s.\n", strings.Join(s.Fingerprints(), ", or "))
	} else {
		b.WriteString("```\n\nThis release is not signed.\n")
	}
	b.WriteString("\n## Packages\n\nChoose the one for your product and system; better, add the repository and install by name.\n\n")
	for _, p := range platform.All {
		for _, pattern := range []struct{ glob, what string }{
			{"*_" + p.Deb + ".deb", "Debian, Ubuntu and others with apt"},
			{"*." + p.RPM + ".rpm", "Red Hat Enterprise Linux and others with rpm"},
		} {
			files, _ := filepath.Glob(filepath.Join(o.Packages.Out, pattern.glob)) // the pattern is good
			fmt.Fprintf(&b, "A %d-bit product on %s:\n\n", p.Bits(), pattern.what)
			for _, f := range files {
				fmt.Fprintf(&b, "- %s\n", filepath.Base(f))
			}
			b.WriteByte('\n')
		}
	}
	return append(bytes.TrimRight(b.Bytes(), "\n"), '\n')
}
