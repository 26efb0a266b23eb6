module github.com/avirkit/avirkit/testdata/engines/http

go 1.23

require github.com/avirkit/avirkit/api v0.0.0

replace github.com/avirkit/avirkit/api => ../../../api
