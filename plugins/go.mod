module github.com/avirkit/avirkit/plugins

go 1.23

require (
	github.com/baruwa-enterprise/clamd v1.0.1
	github.com/stretchr/testify v1.11.1
)

require (
	github.com/avirkit/avirkit/api v0.0.0
	github.com/davecgh/go-spew v1.1.1 // indirect
	github.com/pmezard/go-difflib v1.0.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)

replace github.com/avirkit/avirkit/api => ../api
