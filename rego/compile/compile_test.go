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
	m := compileDocument(t, doc)
	checkText(t, m)
	return m
}

func compileDocument(t require.TestingT, doc *policy.Document) *compile.Module {
	m, err := compile.Compile(doc, compile.Options{Package: "test.document"})
	require.NoError(t, err)
	return m
}

func checkText(t require.TestingT, m *compile.Module) {
	text := m.Text()
	parsed, err := ast.ParseModuleWithOpts("policy.rego", text, ast.ParserOptions{ProcessAnnotation: true, RegoVersion: ast.RegoV1})
	require.NoError(t, err, text)
	require.Len(t, parsed.Rules, len(m.AST.Rules))
	require.Len(t, parsed.Annotations, strings.Count(text, "# METADATA\n"))
	for i, r := range parsed.Rules {
		r.Annotations = nil
		require.Truef(t, unnumbered(t, r).Equal(unnumbered(t, m.AST.Rules[i])), "rule %d differs from its text:\n%s\n%s", i, m.AST.Rules[i], r)
	}
	formatted, err := format.SourceWithOpts("policy.rego", []byte(text), format.Opts{RegoVersion: ast.RegoV1})
	require.NoError(t, err)
	require.Equal(t, string(formatted), text, "the text is not as opa fmt writes it")
	c := ast.NewCompiler().WithStrict(true)
	c.Compile(map[string]*ast.Module{"policy.rego": parsed})
	require.Empty(t, c.Errors, text)
}

// unnumbered is a rule whose wildcards, which the parser numbers through the
// module, are all the same.
func unnumbered(t require.TestingT, r *ast.Rule) *ast.Rule {
	same, err := ast.TransformVars(r.Copy(), func(v ast.Var) (ast.Value, error) {
		if v.IsWildcard() {
			return ast.Var("_"), nil
		}
		return v, nil
	})
	require.NoError(t, err)
	return same.(*ast.Rule)
}

// A verdict is the answer of a module.
type verdict struct {
	Allow [][2]any `json:"allow"`
	Deny  [][2]any `json:"deny"`
}

// prepared is a module made ready for many questions.
type prepared struct {
	module  *compile.Module
	text    string
	queries []rego.PreparedEvalQuery
}

// preparedDocument compiles an identity policy.
func preparedDocument(t testing.TB, text string) prepared {
	t.Helper()
	return prepare(t, compiled(t, policy.Identity, text))
}

func prepare(t require.TestingT, m *compile.Module) prepared {
	p := prepared{module: m, text: m.Text()}
	for _, strict := range []bool{true, false} {
		q, err := rego.New(rego.Query("data."+m.Package+".verdict"), rego.ParsedModule(m.AST), rego.StrictBuiltinErrors(strict),
			rego.SetRegoVersion(ast.RegoV1)).PrepareForEval(context.Background())
		require.NoError(t, err, p.text)
		p.queries = append(p.queries, q)
	}
	return p
}

// ask wants one answer of strict and lenient evaluation.
func (p prepared) ask(t require.TestingT, input map[string]any) verdict {
	var answers []string
	for _, q := range p.queries {
		rs, err := q.Eval(context.Background(), rego.EvalInput(input))
		require.NoError(t, err, p.text)
		require.Len(t, rs, 1)
		answer, err := json.Marshal(rs[0].Expressions[0].Value)
		require.NoError(t, err)
		answers = append(answers, string(answer))
	}
	require.Equal(t, answers[0], answers[1], "strict and lenient evaluation differ:\n%s", p.text)
	var v verdict
	require.NoError(t, json.Unmarshal([]byte(answers[0]), &v))
	require.NotNil(t, v.Allow)
	require.NotNil(t, v.Deny)
	return v
}

// matches tells whether a kms:Decrypt with the given context matches a
// statement of the effect.
func (p prepared) matches(t testing.TB, effect string, request map[string]any) bool {
	t.Helper()
	return len(p.matching(t, effect, request)) > 0
}

// matching lists the statements of the effect that match it.
func (p prepared) matching(t testing.TB, effect string, request map[string]any) []int {
	t.Helper()
	v := p.ask(t, map[string]any{"action": "kms:Decrypt", "resource": testKey, "principal": user("111122223333", "alice"), "context": request})
	found := v.Allow
	if effect == "Deny" {
		found = v.Deny
	}
	var indexes []int
	for _, f := range found {
		indexes = append(indexes, int(f[0].(float64)))
	}
	return indexes
}

const testKey = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

func user(account, name string) map[string]any {
	return map[string]any{"type": "user", "account": account, "user": "arn:aws:iam::" + account + ":user/" + name, "boundary": false}
}

func TestDefaultKeyPolicyDelegatesToTheAccount(t *testing.T) {
	p := prepare(t, compiled(t, policy.Key, `{"Version":"2012-10-17","Id":"key-default-1","Statement":{"Sid":"Enable IAM User Permissions",
		"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}}`))
	input := map[string]any{"action": "kms:Decrypt", "resource": testKey,
		"principal": user("111122223333", "alice"), "context": map[string]any{}}
	require.Equal(t, verdict{Allow: [][2]any{{0.0, "account"}}, Deny: [][2]any{}}, p.ask(t, input))
	input["principal"] = user("444455556666", "bob")
	require.Equal(t, verdict{Allow: [][2]any{}, Deny: [][2]any{}}, p.ask(t, input))
	require.Equal(t, []string{"action", "principal.account"}, p.module.Footprint)
}
