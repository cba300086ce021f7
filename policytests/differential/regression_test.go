package differential

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRegressions replays what once was answered in two ways: now both sides
// give the answer that was found right.
func TestRegressions(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "regressions", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	o := opponent{newEngine(t, false), true}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			c := readCase(t, file)
			require.NotNil(t, c.Want, "a regression says what is wanted")
			v, d := o.compare(c)
			if d != nil {
				assert.Fail(t, d.String(), c.Note)
			}
			assert.Equal(t, *c.Want, v.Want, c.Note)
		})
	}
}

func readCase(t testing.TB, file string) *Case {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.DisallowUnknownFields()
	var c Case
	require.NoError(t, dec.Decode(&c))
	return &c
}
