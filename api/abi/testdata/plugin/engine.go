package main

/*
#include <pthread.h>
#include <stddef.h>

// What C code sees of attributes: one of its own size, and a fresh one.
static size_t own_size(void) {
	pthread_attr_t attr;
	size_t size = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 3 << 20);
	pthread_attr_getstacksize(&attr, &size);
	pthread_attr_destroy(&attr);
	return size;
}

static size_t default_size(void) {
	pthread_attr_t attr;
	size_t size = 0;

	pthread_attr_init(&attr);
	pthread_attr_getstacksize(&attr, &size);
	pthread_attr_destroy(&attr);
	return size;
}

// pthread_getattr_np, spelled so that this file needs no feature macro.
extern int pthread_getattr_np(pthread_t, pthread_attr_t *);

static size_t this_thread(void) {
	pthread_attr_t attr;
	size_t size = 0;
	void *start;

	if (pthread_getattr_np(pthread_self(), &attr) != 0)
		return 0;
	pthread_attr_getstack(&attr, &start, &size);
	pthread_attr_destroy(&attr);
	return size;
}
*/
import "C"

import (
	"fmt"
	"runtime"
)

// checkStacks tells what is wrong with the stacks of Go's threads.
func checkStacks() error {
	if got := C.own_size(); got != 3<<20 {
		return fmt.Errorf("an attribute of 3 MB has %d bytes", got)
	}
	if got := C.default_size(); got != stackSize {
		return fmt.Errorf("a fresh attribute has %d bytes", got)
	}
	// Of two threads at once, one may be Go's first.
	sizes, release := make(chan C.size_t), make(chan struct{})
	defer close(release)
	for range 2 {
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			sizes <- C.this_thread()
			<-release
		}()
	}
	for range 2 {
		got := <-sizes
		if got < stackSize-64<<10 || got > stackSize+64<<10 { // glibc counts the guard in or out
			return fmt.Errorf("a thread of Go has %d bytes", got)
		}
	}
	return nil
}
