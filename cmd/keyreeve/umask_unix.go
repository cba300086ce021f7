//go:build unix

package main

import "syscall"

// ownFiles keeps what the process writes from everybody else, also the files
// of libraries that ask for wider modes.
func ownFiles() { syscall.Umask(0o077) }
