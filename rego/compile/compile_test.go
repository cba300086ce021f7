package compile_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/compile"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// compiled parses and compiles a document, and checks what holds for every
// module: its text parses to the same rules, is formatted, and compiles
// strictly.
func compiled(t testing.TB, kind policy.Kind, text string) *compile.Module {
	t.Helper()
	doc, err := policy.Parse(kind, []byte(text))
	require.NoError(t, err)
	m, err := compile.Compile(doc, compile.Options{Package: "test.document"})
	require.NoError(t, err)
	checkText(t, m)
	return m
}

func checkText(t testing.TB, m *compile.Module) {
	t.Helper()
	text := m.Text()
	parsed, err := ast.ParseModuleWithOpts("policy.rego", text, ast.ParserOptions{ProcessAnnotation: true, RegoVersion: ast.RegoV1})
	require.NoError(t, err, text)
	require.Len(t, parsed.Rules, len(m.AST.Rules))
	require.Len(t, parsed.Annotations, strings.Count(text, "# METADATA\n"))
	for i, r := range parsed.Rules {
		r.Annotations = nil
		require.Truef(t, r.Equal(m.AST.Rules[i]), "rule %d differs from its text:\n%s\n%s", i, m.AST.Rules[i], r)
	}
	formatted, err := format.SourceWithOpts("policy.rego", []byte(text), format.Opts{RegoVersion: ast.RegoV1})
	require.NoError(t, err)
	require.Equal(t, string(formatted), text, "the text is not as opa fmt writes it")
	c := ast.NewCompiler().WithStrict(true)
	c.Compile(map[string]*ast.Module{"policy.rego": parsed})
	require.Empty(t, c.Errors, text)
}

// A verdict is the answer of a module.
type verdict struct {
	Allow [][2]any `json:"allow"`
	Deny  [][2]any `json:"deny"`
}

// decide evaluates the module's AST and its text, each strictly and leniently,
// and wants one answer of all.
func decide(t testing.TB, m *compile.Module, input map[string]any) verdict {
	t.Helper()
	source := func(text string) func(*rego.Rego) { return rego.Module("policy.rego", text) }
	var answers []string
	for _, module := range []func(*rego.Rego){rego.ParsedModule(m.AST), source(m.Text())} {
		for _, strict := range []bool{true, false} {
			rs, err := rego.New(rego.Query("data."+m.Package+".verdict"), module, rego.Input(input),
				rego.StrictBuiltinErrors(strict)).Eval(context.Background())
			require.NoError(t, err, m.Text())
			require.Len(t, rs, 1)
			answer, err := json.Marshal(rs[0].Expressions[0].Value)
			require.NoError(t, err)
			answers = append(answers, string(answer))
		}
	}
	for _, a := range answers[1:] {
		require.Equal(t, answers[0], a)
	}
	var v verdict
	require.NoError(t, json.Unmarshal([]byte(answers[0]), &v))
	require.NotNil(t, v.Allow)
	require.NotNil(t, v.Deny)
	return v
}

func user(account, name string) map[string]any {
	return map[string]any{"type": "user", "account": account, "user": "arn:aws:iam::" + account + ":user/" + name, "boundary": false}
}

func TestDefaultKeyPolicyDelegatesToTheAccount(t *testing.T) {
	m := compiled(t, policy.Key, `{"Version":"2012-10-17","Id":"key-default-1","Statement":{"Sid":"Enable IAM User Permissions",
		"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}}`)
	input := map[string]any{"action": "kms:Decrypt", "resource": "arn:aws:kms:us-east-1:111122223333:key/k",
		"principal": user("111122223333", "alice"), "context": map[string]any{}}
	require.Equal(t, verdict{Allow: [][2]any{{0.0, "account"}}, Deny: [][2]any{}}, decide(t, m, input))
	input["principal"] = user("444455556666", "bob")
	require.Equal(t, verdict{Allow: [][2]any{}, Deny: [][2]any{}}, decide(t, m, input))
	require.Equal(t, []string{"action", "principal.account"}, m.Footprint)
}
