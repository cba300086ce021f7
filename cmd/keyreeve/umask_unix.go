//go:build unix

package main

import "syscall"

// theirs is the umask that the process was started with.
var theirs = 0o077

// ownFiles keeps what the process writes from everybody else, also the files
// of libraries that ask for wider modes.
func ownFiles() { theirs = syscall.Umask(0o077) }

// sharedFiles undoes ownFiles, for commands that write nothing but policies and
// reports: other users of a pipeline read those.
func sharedFiles() { syscall.Umask(theirs) }
