module github.com/avirkit/avirkit/harness

go 1.23

require github.com/stretchr/testify v1.11.1 // indirect
