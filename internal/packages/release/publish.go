package release

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/avirkit/avirkit/internal/atomicdir"
	"github.com/avirkit/avirkit/internal/run"
)

// PublishName is the script that publishes a release; it lies beside the
// release, since nobody but the publisher needs it.
const PublishName = "PUBLISH.sh"

// publishScript copies files that are named by others before those that name
// them, so that a client which comes meanwhile finds all that it is told of.
// It compares contents: all files carry the commit's time.
var publishScript = template.Must(template.New("").Funcs(template.FuncMap{"quote": run.Quote}).Parse(`#!/bin/sh
# Publishes avirkit {{.Version}} on a web server that serves a folder as
# {{.URL}}
# Usage: TARGET=user@host:/folder sh {{quote .Script}}
{{range .Rehearsal}}# NOT A RELEASE: {{.}}
{{end}}set -eu
: "${TARGET:?set TARGET to the folder that the web server serves, as rsync takes it}"
copy() { rsync --recursive --links --times --checksum --chmod=D755,F644 "$@"; }

# The release: nothing names it yet.
copy --mkpath {{quote .Release}}/ "$TARGET/releases/{{.Version}}/"
# The packages, then the lists of them, then the signed indexes of those lists.
copy --include='*/' --include='*.deb' --include='*.rpm' --exclude='*' {{quote .Repo}}/ "$TARGET/"
copy --exclude=InRelease --exclude=Release --exclude=Release.gpg --exclude='repomd.xml*' {{quote .Repo}}/ "$TARGET/"
copy --delay-updates {{quote .Repo}}/ "$TARGET/"
# What no index names any more.
copy --delete-after --exclude=/releases {{quote .Repo}}/ "$TARGET/"
echo "published; now push the tag v{{.Version}}, and in a fresh clone of it check a copy of what the server serves:"
echo "  go tool mage verify -dir=COPY -key={{.Key}}"
`))

// writePublish writes the script.
func writePublish(o Options, rehearsal []string) error {
	key := "KEYFILE"
	if o.Packages.Signer != nil {
		key = strings.Join(o.Packages.Signer.Fingerprints(), ",") // an older one has signed older packages
	}
	var b bytes.Buffer
	path := filepath.Join(filepath.Dir(o.Out), PublishName)
	if err := publishScript.Execute(&b, map[string]any{
		"Version": o.Packages.Version.String(), "URL": o.Repo.URL, "Rehearsal": rehearsal, "Key": key,
		"Script": path, "Release": o.Out, "Repo": o.Repo.Out,
	}); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return atomicdir.WriteFile(path, b.Bytes(), 0o755)
}
