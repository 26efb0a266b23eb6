module github.com/avirkit/avirkit/api

go 1.23

require github.com/stretchr/testify v1.11.1 // indirect
