// Package examples holds the worlds that keyreeve comes with.
package examples

import "embed"

// Worlds has a world in each of its top directories: dev, without access keys,
// and test-test. FS for world.LoadFS is one of them: fs.Sub(Worlds, "dev").
//
//go:embed dev test-test
var Worlds embed.FS

// What the dev world calls the two whose credentials `keyreeve serve --dev`
// prints.
const (
	DevAccount       = "111122223333"
	DevAdministrator = "alice"
	DevUser          = "bob"
)
