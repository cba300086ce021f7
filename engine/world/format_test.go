package world

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestExamplesOfTheFormatLoad puts the YAML of FORMAT.md together, in its
// order, and loads it.
func TestExamplesOfTheFormatLoad(t *testing.T) {
	text, err := os.ReadFile("FORMAT.md")
	require.NoError(t, err)
	var examples strings.Builder
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1) {
		examples.Write(block[1])
	}
	rest, err := os.ReadFile("testdata/format.txtar")
	require.NoError(t, err)
	w, err := loadText(append(rest, "-- world.yaml --\n"+examples.String()...))
	require.NoError(t, err)
	assert.Empty(t, w.Unreferenced())
	_, ok := w.AccessKey("AKIASTORAGE")
	assert.True(t, ok, "the example of a service was read")
	assert.Equal(t, Settings{EncodedMessages: true, ConsistencyDelay: 5 * time.Minute, Quotas: Quotas{Keys: 100_000, AliasesPerKey: 50, GrantsPerKey: 50_000}}, w.Settings())
}
