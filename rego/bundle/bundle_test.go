package bundle_test

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	opabundle "github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/format"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/bundle"
	"github.com/keyreeve/keyreeve/rego/policy"
)

const (
	keyText = `{"Version": "2012-10-17", "Statement": [{"Sid": "Bob", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/bob"},
		"Action": "kms:Decrypt", "Resource": "*"}]}`
	denyText = `{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "kms:*", "Resource": "*",
		"Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}}]}`
)

func document(t *testing.T, kind policy.Kind, text string) *policy.Document {
	t.Helper()
	d, err := policy.Parse(kind, []byte(text))
	require.NoError(t, err)
	return d
}

func contents(t *testing.T) bundle.Contents {
	t.Helper()
	ids := map[string]string{"arn:aws:iam::111122223333:user/bob": "AIDABOB"}
	return bundle.Contents{Revision: "r1", Policies: []bundle.Policy{
		{Name: "key/one", Document: document(t, policy.Key, keyText), Principals: ids},
		{Name: "key/two", Document: document(t, policy.Key, keyText), Principals: ids},
		{Name: "key/former", Document: document(t, policy.Key, keyText), Principals: map[string]string{"arn:aws:iam::111122223333:user/bob": "AIDAFORMER"}},
		{Name: "key.one", ARN: "arn", File: "deny.json", Document: document(t, policy.Identity, denyText)},
	}}
}

func written(t *testing.T, c bundle.Contents) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, bundle.Write(&b, c))
	return b.Bytes()
}

func opened(t *testing.T, archive []byte) opabundle.Bundle {
	t.Helper()
	b, err := opabundle.NewReader(bytes.NewReader(archive)).Read()
	require.NoError(t, err)
	return b
}

// evaluate asks OPA's own library, which has nothing but the bundle.
func evaluate(t *testing.T, archive []byte, query string, input any) any {
	t.Helper()
	b := opened(t, archive)
	found, err := rego.New(rego.Query(query), rego.ParsedBundle("keyreeve", &b), rego.Input(input), rego.StrictBuiltinErrors(true)).Eval(context.Background())
	require.NoError(t, err)
	require.Len(t, found, 1)
	return found[0].Expressions[0].Value
}

// asked is a question whether bob may decrypt under two policies.
func asked(key, identity string) map[string]any {
	return map[string]any{
		"rule": "key_policy", "action": "kms:Decrypt", "cross_account_possible": true,
		"principal": map[string]any{"type": "user", "account": "111122223333", "user": "AIDABOB"},
		"resource":  map[string]any{"arn": "arn:aws:kms:us-east-1:111122223333:key/k", "account": "111122223333"},
		"context":   map[string]any{"aws:requestedregion": []string{"us-east-1"}},
		"policies":  map[string]any{"resource": [][]string{{key}}, "identity": [][]string{slices.DeleteFunc([]string{identity}, func(s string) bool { return s == "" })}},
	}
}

func TestABundleAnswers(t *testing.T) {
	archive := written(t, contents(t))
	for name, c := range map[string]struct {
		input  map[string]any
		reason string
	}{
		"whom the key policy names may":               {asked("key/one", ""), "allow"},
		"two keys with one text have one program":     {asked("key/two", ""), "allow"},
		"a recreated user does not inherit":           {asked("key/former", ""), "no-allow"},
		"a condition sees the context of the request": {asked("key/one", "key.one"), "explicit-deny"},
	} {
		t.Run(name, func(t *testing.T) {
			got := evaluate(t, archive, bundle.Decision, c.input).(map[string]any)
			assert.Equal(t, c.reason, got["reason"], "%v", got)
		})
	}
	got := evaluate(t, archive, bundle.Statements, asked("key/one", "")).([]any)
	assert.Equal(t, []any{map[string]any{
		"layer": "resource", "level": json.Number("0"), "policy": "key/one", "index": json.Number("0"), "via": "user",
		"sid": "Bob", "effect": "Allow", "path": "$.Statement[0]", "line": json.Number("1"),
	}}, got)
}

func TestAQuestionOfAnotherFormIsAnError(t *testing.T) {
	archive := written(t, contents(t))
	for name, change := range map[string]func(map[string]any){
		"an unknown member":            func(q map[string]any) { q["polices"] = map[string]any{} },
		"a context value that is none": func(q map[string]any) { q["context"] = map[string]any{"aws:sourceip": "10.0.0.1"} },
		"a policy that is not there":   func(q map[string]any) { q["policies"] = map[string]any{"identity": [][]string{{"gone"}}} },
		"an unknown layer":             func(q map[string]any) { q["policies"] = map[string]any{"other": [][]string{}} },
	} {
		t.Run(name, func(t *testing.T) {
			q := asked("key/one", "")
			change(q)
			got := evaluate(t, archive, bundle.Decision, q).(map[string]any)
			assert.NotEmpty(t, got["error"])
			assert.NotContains(t, got, "allow")
		})
	}
}

func TestTheSameContentsAreTheSameBytes(t *testing.T) {
	c := contents(t)
	first := written(t, c)
	slices.Reverse(c.Policies)
	assert.Equal(t, first, written(t, c), "whatever the order of the policies")
	c.Revision = "r2"
	assert.NotEqual(t, first, written(t, c))
}

func TestModulesLieAsTheirPackagesSay(t *testing.T) {
	b := opened(t, written(t, contents(t)))
	var paths []string
	for _, m := range b.Modules {
		paths = append(paths, m.Path)
		dir := strings.Join(strings.Split(m.Parsed.Package.Path.String(), ".")[1:], "/")
		assert.True(t, strings.HasPrefix(m.Path, "/"+dir+"/"), "%s holds %s", m.Path, m.Parsed.Package.Path)
		formatted, err := format.SourceWithOpts(m.Path, m.Raw, format.Opts{RegoVersion: ast.RegoV1})
		require.NoError(t, err)
		assert.Equal(t, string(m.Raw), string(formatted), m.Path)
	}
	slices.Sort(paths)
	assert.Equal(t, []string{
		"/keyreeve/answer/answer.rego", "/keyreeve/decide/decide.rego", "/keyreeve/grants/grants.rego",
		"/keyreeve/policies/p_key_former/policy.rego", "/keyreeve/policies/p_key_one/policy.rego",
		"/keyreeve/policies/p_key_one_2/policy.rego",
	}, paths)
	assert.Equal(t, []string{"keyreeve"}, *b.Manifest.Roots)
	assert.Equal(t, "r1", b.Manifest.Revision)
}

func TestTwoPoliciesOfOneNameAreRefused(t *testing.T) {
	c := contents(t)
	c.Policies = append(c.Policies, c.Policies[0])
	assert.ErrorContains(t, bundle.Write(&bytes.Buffer{}, c), "key/one")
}
