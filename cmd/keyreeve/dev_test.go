package main

import (
	"os/exec"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/world"
)

func TestPastedTextMeansItself(t *testing.T) {
	for _, text := range []string{"", "AKIA", "a/b+c=", "it's", "$(exit 1)", "`x`", "a b", "\"", "~", "#", "!", `\`, "é", "*"} {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+quoteShell(text)).Output()
		require.NoError(t, err)
		assert.Equal(t, text, string(out))
	}
}

// twins is a world in which names repeat.
const twins = `
accounts:
  "111122223333":
    root: {access-keys: {ROOT1: secret}}
    users:
      bob: {access-keys: {BOB1: {secret: secret, active: false}, BOB2: secret}}
      eve: {access-keys: {EVE: {secret: secret, active: false}}}
      zoe: {access-keys: {ZOE: secret}}
    roles:
      own: {trust: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: {AWS: 111122223333}, Action: "sts:AssumeRole"}]}}
      zoes: {trust: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: {AWS: "arn:aws:iam::111122223333:user/zoe"}, Action: "sts:AssumeRole"}]}}
  "444455556666":
    root: {access-keys: {ROOT2: secret}}
    users:
      bob: {access-keys: {BOB3: secret}}
`

func TestProfilesAreOfThoseWhoCanSignEachUnderAName(t *testing.T) {
	w, err := world.LoadFS(fstest.MapFS{"world.yaml": {Data: []byte(twins)}}, nil)
	require.NoError(t, err)
	d := devWorld{url: "http://127.0.0.1:1", world: w}
	assert.Equal(t, []string{"root", "bob", "zoe", "own", "zoes", "root-444455556666", "bob-444455556666"}, d.names())
	sources := map[string]string{}
	for _, s := range d.sections() {
		if s.role != nil {
			sources[s.name] = s.source
		} else {
			assert.True(t, s.key.Active, s.name)
		}
	}
	assert.Equal(t, map[string]string{"own": "bob", "zoes": "zoe"}, sources, "whom the trust policy names, or the first")
	assert.Equal(t, "ROOT1", d.administrator().ID)
}
