//go:build bigstack

package main

/*
#include <stddef.h>

const size_t avir_go_stack_size = 2 << 20;
*/
import "C"

const stackSize = 2 << 20
