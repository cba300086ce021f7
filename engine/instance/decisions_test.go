package instance_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/instance"
)

func TestLineOfAKilledProcessIsEnded(t *testing.T) {
	c := config(t)
	path := filepath.Join(c.Dir, "decisions.jsonl")
	reopened := func() string {
		i, err := instance.Open(c)
		require.NoError(t, err)
		require.NoError(t, i.Close())
		text, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			return ""
		}
		require.NoError(t, err)
		return string(text)
	}
	assert.Empty(t, reopened())
	require.NoError(t, os.WriteFile(path, []byte("{\"time\":1}\n{\"ti"), 0o600))
	assert.Equal(t, "{\"time\":1}\n{\"ti\n", reopened())
	assert.Equal(t, "{\"time\":1}\n{\"ti\n", reopened(), "nothing is added to a whole line")
}
