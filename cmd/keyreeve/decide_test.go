package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheQuestionThatTheHelpShowsIsAllowed(t *testing.T) {
	c := newDecide()
	_, text, found := strings.Cut(c.Example, "<<'EOF' | keyreeve decide\n")
	require.True(t, found)
	text, _, found = strings.Cut(text, "\n  EOF")
	require.True(t, found)
	var out bytes.Buffer
	c.SetIn(strings.NewReader(strings.ReplaceAll(text, "\n", "")))
	c.SetOut(&out)
	c.SetArgs([]string{})
	require.NoError(t, c.ExecuteContext(t.Context()))
	var answer struct{ Allowed bool }
	require.NoError(t, json.Unmarshal(out.Bytes(), &answer))
	assert.True(t, answer.Allowed, out.String())
}
