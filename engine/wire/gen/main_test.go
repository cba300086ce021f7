package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRepositoryHoldsWhatTheModelGives(t *testing.T) {
	out := t.TempDir()
	require.NoError(t, run("../model.json", out, ""))
	want, err := filepath.Glob(filepath.Join(out, "*.gen.go"))
	require.NoError(t, err)
	have, err := filepath.Glob("../*.gen.go")
	require.NoError(t, err)
	require.Len(t, have, len(want), "run go generate ./engine/wire, and remove files that it no longer writes")
	for _, f := range want {
		w, err := os.ReadFile(f)
		require.NoError(t, err)
		h, err := os.ReadFile(filepath.Join("..", filepath.Base(f)))
		require.NoError(t, err)
		assert.Equal(t, string(w), string(h), "%s: run go generate ./engine/wire", filepath.Base(f))
	}
}

func TestStripKeepsConstraintsAndDropsProse(t *testing.T) {
	dir := t.TempDir()
	source, model := filepath.Join(dir, "service.json"), filepath.Join(dir, "model.json")
	require.NoError(t, os.WriteFile(source, []byte(`{
		"metadata": {"apiVersion": "2014-11-01"}, "documentation": "prose",
		"operations": {"Do": {"name": "Do", "input": {"shape": "In", "documentation": "prose"}, "errors": [{"shape": "E"}], "documentation": "prose"}},
		"shapes": {"In": {"type": "structure", "required": ["documentation"], "members": {"documentation": {"shape": "T", "documentation": "prose"}}},
			"T": {"type": "string", "max": 3, "documentation": "prose"}, "E": {"type": "structure", "members": {}, "exception": true}}}`), 0o600))
	require.NoError(t, run(model, dir, source))
	got, err := os.ReadFile(model)
	require.NoError(t, err)
	require.Equal(t, `{
"source": "`+origin+`",
"operations": {
"Do": {"errors":[{"shape":"E"}],"input":{"shape":"In"}}
},
"shapes": {
"E": {"exception":true,"members":{},"type":"structure"},
"In": {"members":{"documentation":{"shape":"T"}},"required":["documentation"],"type":"structure"},
"T": {"max":3,"type":"string"}
}
}
`, string(got))
}

func TestModelOfAnotherVersionIsRefused(t *testing.T) {
	_, err := strip([]byte(`{"metadata": {"apiVersion": "2015-01-01"}}`))
	require.ErrorContains(t, err, `API version "2015-01-01"`)
	require.Error(t, run(filepath.Join(t.TempDir(), "none"), t.TempDir(), ""))
	require.Error(t, run("", "", filepath.Join(t.TempDir(), "none")))
}
