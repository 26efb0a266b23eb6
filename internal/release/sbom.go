package release

import _ "github.com/CycloneDX/cyclonedx-go"
