package decision_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/keyreeve/keyreeve/engine/decision"
)

// standard is evidence as its tags have it.
func standard(t require.TestingT, e decision.Evidence) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	require.NoError(t, enc.Encode(e))
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

func TestEvidenceIsAppendedAsItsTagsHaveIt(t *testing.T) {
	assert.Equal(t, standard(t, decision.Evidence{}), string(new(decision.Evidence).AppendJSON(nil)))
	files, err := filepath.Glob("testdata/evidence/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		var e decision.Evidence
		require.NoError(t, json.Unmarshal(text, &e), f)
		assert.Equal(t, "x"+standard(t, e), string(e.AppendJSON([]byte("x"))), f)
	}
	any := rapid.Make[decision.Evidence]()
	rapid.Check(t, func(t *rapid.T) {
		e := any.Draw(t, "evidence")
		require.Equal(t, standard(t, e), string(e.AppendJSON(nil)))
	})
}
