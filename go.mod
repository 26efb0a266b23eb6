module github.com/avirkit/avirkit

go 1.26.0

replace (
	github.com/avirkit/avirkit/api => ./api
	github.com/avirkit/avirkit/plugins => ./plugins
)

require (
	github.com/magefile/mage v1.17.2 // indirect
	github.com/stretchr/testify v1.11.1 // indirect
)

tool github.com/magefile/mage
