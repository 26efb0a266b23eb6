module github.com/avirkit/avirkit/plugins

go 1.23

require github.com/avirkit/avirkit/api v0.0.0

require (
	github.com/baruwa-enterprise/clamd v1.0.1 // indirect
	github.com/dutchcoders/go-clamd v0.0.0-20170520113014-b970184f4d9e // indirect
	github.com/stretchr/testify v1.11.1 // indirect
)

replace github.com/avirkit/avirkit/api => ../api
