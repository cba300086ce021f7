//go:build !unix

package main

// ownFiles does nothing where there is no umask; directories are made with
// mode 0700 all the same.
func ownFiles() {}

// sharedFiles does nothing either.
func sharedFiles() {}
