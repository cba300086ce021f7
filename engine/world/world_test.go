package world

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func load(t *testing.T) *World {
	t.Helper()
	w, err := Load("testdata/two-accounts.txtar", nil)
	require.NoError(t, err)
	return w
}

func TestLoad(t *testing.T) {
	w := load(t)
	require.Equal(t, []string{"policies/spare.json"}, w.Unreferenced())
}
