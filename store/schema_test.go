package store

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSchemaNamesEveryKindOfEntry(t *testing.T) {
	text, err := os.ReadFile("SCHEMA.md")
	require.NoError(t, err)
	var named []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(.)` \\|").FindAllStringSubmatch(string(text), -1) {
		named = append(named, row[1])
	}
	slices.Sort(named)
	known := strings.Split(spaces, "")
	slices.Sort(known)
	assert.Equal(t, known, slices.Compact(named))
	assert.Contains(t, string(text), "# Schema, version 2\n")
	assert.Equal(t, 2, SchemaVersion)
}
