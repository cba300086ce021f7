package export_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/open-policy-agent/opa/cmd"
	opabundle "github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/plugins"
	"github.com/open-policy-agent/opa/v1/server"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/export"
	"github.com/keyreeve/keyreeve/rego/guardrail"
)

// stockCases are questions by name and what is said to them.
var stockCases = map[string]string{
	`{"caller": "user/bob@acme", "action": "kms:Decrypt", "target": "key/payroll"}`:             `{"allow": true, "reason": "allow", "layer": "identity", "grants": []}`,
	`{"caller": "user/bob@acme", "action": "kms:Encrypt", "target": "key/signing"}`:             `{"allow": false, "reason": "no-allow", "layer": "identity", "grants": []}`,
	`{"caller": "user/bob@acme", "action": "kms:ScheduleKeyDeletion", "target": "key/payroll"}`: `{"allow": false, "reason": "explicit-deny", "layer": "scp", "grants": []}`,
	`{"caller": "user/mallory", "action": "kms:Decrypt", "target": "key/payroll"}`:              `{"error": ["caller: the world has 0 of user/mallory"]}`,
}

// TestAnOPAServerAnswers asks OPA's own server over HTTP.
func TestAnOPAServerAnswers(t *testing.T) {
	var archive bytes.Buffer
	require.NoError(t, export.Bundle(&archive, load(t), nil))
	b, err := opabundle.NewReader(&archive).Read()
	require.NoError(t, err)
	store := inmem.New()
	m, err := plugins.New(nil, "keyreeve", store, plugins.InitBundles(map[string]*opabundle.Bundle{"keyreeve": &b}))
	require.NoError(t, err)
	require.NoError(t, m.Init(t.Context()))
	s, err := server.New().WithStore(store).WithManager(m).WithAddresses([]string{"127.0.0.1:0"}).Init(t.Context())
	require.NoError(t, err)
	listening := httptest.NewServer(s.Handler)
	defer listening.Close()
	for input, want := range stockCases {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, listening.URL+"/v1/data/keyreeve/answer/decision",
			bytes.NewBufferString(`{"input": `+input+`}`))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		var got struct{ Result json.RawMessage }
		require.NoError(t, json.NewDecoder(response.Body).Decode(&got))
		require.NoError(t, response.Body.Close())
		assert.JSONEq(t, want, string(got.Result), input)
	}
}

// asOPA makes this test the opa command.
const asOPA = "KEYREEVE_TEST_AS_OPA"

func TestMain(m *testing.M) {
	if os.Getenv(asOPA) == "" {
		os.Exit(m.Run())
	}
	if err := cmd.RootCommand.Execute(); err != nil {
		os.Exit(1)
	}
}

// opa runs the opa command in a process of its own.
func opa(t *testing.T, args ...string) []byte {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], args...)
	c.Env = append(os.Environ(), asOPA+"=yes")
	c.Stderr = t.Output()
	out, err := c.Output()
	require.NoError(t, err, "%s", out)
	return out
}

func TestTheOPACommandAnswers(t *testing.T) {
	dir := t.TempDir()
	archive := filepath.Join(dir, "bundle.tar.gz")
	var b bytes.Buffer
	require.NoError(t, export.Bundle(&b, load(t), nil))
	require.NoError(t, os.WriteFile(archive, b.Bytes(), 0o600))
	for input, want := range stockCases {
		file := filepath.Join(dir, "input.json")
		require.NoError(t, os.WriteFile(file, []byte(input), 0o600))
		got := opa(t, "eval", "-b", archive, "-i", file, "--format", "raw", "--strict-builtin-errors", "data.keyreeve.answer.decision")
		assert.JSONEq(t, want, string(got), input)
	}
	opa(t, "check", "--strict", "--schema", filepath.Join("..", "..", "rego", "lib", "schema", "json"), "-b", archive)
}

func TestGuardrailsGoIntoTheBundle(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"g.rego":    "package keyreeve.guardrail\n\ndeny contains \"names are blocked\" if input.context[\"aws:username\"][0] in data.keyreeve.guardrail.blocked\n",
		"data.json": `{"keyreeve": {"guardrail": {"blocked": ["bob"]}}}`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	set, err := guardrail.LoadDir(dir)
	require.NoError(t, err)
	archive, input := filepath.Join(dir, "bundle.tar.gz"), filepath.Join(dir, "input.json")
	var b bytes.Buffer
	require.NoError(t, export.Bundle(&b, load(t), set))
	require.NoError(t, os.WriteFile(archive, b.Bytes(), 0o600))
	for question, want := range map[string]string{
		`{"caller": "user/bob@acme", "action": "kms:Decrypt", "target": "key/payroll"}`: `[{"layer": "guardrail", "reason": "names are blocked"}]`,
		`{"caller": "user/eve", "action": "kms:Decrypt", "target": "key/signing"}`:      `[{"layer": "boundary"}]`,
	} {
		require.NoError(t, os.WriteFile(input, []byte(question), 0o600))
		var got, wanted []map[string]any
		require.NoError(t, json.Unmarshal(opa(t, "eval", "-b", archive, "-i", input, "--format", "raw", "data.keyreeve.answer.statements"), &got))
		require.NoError(t, json.Unmarshal([]byte(want), &wanted))
		require.Len(t, got, len(wanted), question)
		for i := range wanted {
			assert.Subset(t, got[i], wanted[i], question)
		}
	}
}
