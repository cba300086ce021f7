// Package schema holds the JSON Schema of the files that describe a world.
package schema

import _ "embed"

// World is the JSON Schema (draft 2020-12) of world.yaml and its like.
//
//go:embed world.schema.json
var World []byte
