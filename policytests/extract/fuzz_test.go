package extract_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/policytests/extract"
)

// FuzzText: no text makes a policy that is not in it, a place outside it, or a
// document that was written anew and is no JSON.
func FuzzText(f *testing.F) {
	for _, name := range []string{"plan.json", "template.yaml"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(f, err)
		f.Add(name, text)
	}
	f.Add("a.txtar", []byte("-- world.yaml --\naccounts: {\"1\": {keys: {a: {policy: b.json}}}}\n-- b.json --\n{}\n-- -- \n"))
	f.Add("a.yaml", []byte("Resources:\n  A: &a\n    Type: AWS::KMS::Key\n    Properties: {KeyPolicy: !Sub [\"${X}\", {X: *a}]}\n"))
	f.Add("a.json", []byte(`{"Policy": "{\"Statement\": [\ud83d\ude00]}", "PolicyName": "default"}`))
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		found := extract.Text(name, text, extract.Options{})
		for _, p := range found.Policies {
			begin, end := p.Range(0, len(p.Text))
			assert.LessOrEqual(t, begin.Offset, end.Offset)
			assert.LessOrEqual(t, end.Offset, len(text))
			for _, u := range p.Unknown {
				assert.LessOrEqual(t, u.End, len(p.Text))
				assert.True(t, json.Valid(p.Text))
			}
			if at, ok := p.Verbatim(); ok {
				assert.Equal(t, string(text[at:at+len(p.Text)]), string(p.Text))
			}
		}
	})
}
