package fakeclamd

import (
	"archive/zip"
	"bytes"
	"io"

	"github.com/avirkit/avirkit/plugins/clam/testvirus"
)

// maxDepth bounds how deep zip files in zip files are looked into.
const maxDepth = 8

// Detect returns what a clamd with the one signature of this project's tests answers
// for content: "OK", or a name and " FOUND".
func Detect(content []byte) string { return detect(content, 0) }

func detect(content []byte, depth int) string {
	if bytes.Contains(content, testvirus.EICAR()) {
		return testvirus.SignatureName + " FOUND"
	}
	if depth == maxDepth {
		return "Heuristics.Limits.Exceeded.MaxRecursion FOUND"
	}
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return "OK"
	}
	for _, member := range archive.File {
		const encrypted = 1
		if member.Flags&encrypted != 0 {
			return "Heuristics.Encrypted.Zip FOUND"
		}
		r, err := member.Open()
		if err != nil {
			continue
		}
		inside, err := io.ReadAll(io.LimitReader(r, streamMaxLength))
		_ = r.Close()
		if err != nil {
			return "Heuristics.Broken.Zip FOUND"
		}
		if verdict := detect(inside, depth+1); verdict != "OK" {
			return verdict
		}
	}
	return "OK"
}
