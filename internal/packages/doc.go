// Package packages builds the Debian and RPM packages of the plugins.
package packages

import (
	_ "github.com/CycloneDX/cyclonedx-go"
	_ "github.com/ProtonMail/go-crypto/openpgp"
	_ "github.com/goreleaser/nfpm/v2"
)
