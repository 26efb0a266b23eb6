//go:build !bigstack

package main

const stackSize = 512 << 10
