package compile_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/keyreeve/keyreeve/rego/compile"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// Fragments that documents are made of, hostile ones included.
var (
	fragments = rapid.SampledFrom([]string{"a", "B", "*", "?", "**", "?*", ":", "/", `\`, `"`, "'", "`", "$", "{", "}", "%", "#", "\t", "é", "ÿ", " ", "<", "&",
		"${aws:username}", "${*}", "${?}", "${$}", "${aws:PrincipalTag/team, 'x*'}", "${kms:ViaService}", "if", "data", "arn:aws:iam::111122223333:role/r"})
	text       = rapid.Map(rapid.SliceOfN(fragments, 0, 6), join)
	actions    = rapid.SampledFrom([]string{"*", "kms:*", "kms:Decrypt", "KMS:enc*", "kms:?e*", "s3:Get*", "sts:*", "iam:*", "kms:Generate*"})
	resources  = rapid.Map(text, func(s string) string { return "arn:aws:kms:us-*-1:111122223333:" + s })
	conditions = rapid.SampledFrom([]string{"aws:username", "aws:PrincipalTag/Team", "kms:EncryptionContext:Name", "aws:TagKeys", "kms:ResourceAliases", "example:x\"y`z",
		"aws:ResourceTag/é", "aws:CurrentTime", "aws:SourceIp"})
	principals = rapid.SampledFrom([]any{"*", map[string]any{"AWS": "111122223333"}, map[string]any{"AWS": []string{"arn:aws:iam::111122223333:role/a/b", "arn:aws:iam::111122223333:user/u",
		"arn:aws:sts::111122223333:assumed-role/b/ss", "arn:aws:iam::111122223333:root"}, "Service": []string{"a.com", "b.com"}}, map[string]any{"Federated": "login.example.com"}})
)

func join(parts []string) string {
	s := ""
	for _, p := range parts {
		s += p
	}
	return s
}

func generateStatement(t *rapid.T, kind policy.Kind) map[string]any {
	s := map[string]any{"Effect": rapid.SampledFrom([]string{"Allow", "Deny"}).Draw(t, "effect")}
	either := func(name string, value any) {
		if rapid.Bool().Draw(t, "not") {
			name = "Not" + name
		}
		s[name] = value
	}
	if kind == policy.Key || kind == policy.Endpoint {
		s["Sid"] = text.Draw(t, "sid")
		either("Principal", principals.Draw(t, "principal"))
	}
	either("Action", rapid.SliceOfN(actions, 1, 3).Draw(t, "actions"))
	either("Resource", rapid.SliceOfN(rapid.OneOf(resources, rapid.Just("*")), 1, 3).Draw(t, "resources"))
	blocks := map[string]any{}
	for range rapid.IntRange(0, 4).Draw(t, "blocks") {
		op := rapid.SampledFrom(samples).Draw(t, "operator")
		name := rapid.SampledFrom([]string{"", "ForAnyValue:", "ForAllValues:"}).Draw(t, "set") + op.operator + rapid.SampledFrom([]string{"", "IfExists"}).Draw(t, "suffix")
		var operands any = json.RawMessage(op.operands)
		if o, _ := policy.OperatorNamed(op.operator); o.Type == policy.StringType {
			operands = rapid.SliceOfN(text, 1, 4).Draw(t, "operands")
		}
		blocks[name] = map[string]any{conditions.Draw(t, "key"): operands}
	}
	s["Condition"] = blocks
	return s
}

// only is what of the input the footprint names.
func only(footprint []string, input map[string]any) map[string]any {
	all := map[string]any{"principal": map[string]any{}, "context": map[string]any{}}
	for _, field := range footprint {
		group, name, nested := strings.Cut(field, ".")
		if !nested {
			all[field] = input[field]
		} else if v, ok := input[group].(map[string]any)[name]; ok {
			all[group].(map[string]any)[name] = v
		}
	}
	return all
}

func TestGeneratedDocumentsCompile(t *testing.T) {
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]policy.Kind{policy.Key, policy.Identity, policy.Endpoint, policy.Session}).Draw(t, "kind")
		statements := []any{}
		for range rapid.IntRange(1, 3).Draw(t, "statements") {
			statements = append(statements, generateStatement(t, kind))
		}
		version := rapid.SampledFrom([]string{policy.Version2008, policy.Version2012}).Draw(t, "version")
		text, err := json.Marshal(map[string]any{"Version": version, "Statement": statements})
		require.NoError(t, err)
		doc, err := policy.Parse(kind, text)
		if err != nil {
			return
		}
		accepted++
		m, err := compile.Compile(doc, compile.Options{Package: "test.document"})
		require.NoError(t, err)
		checkText(t, m)
		p := prepare(t, m)
		value := rapid.SliceOfN(rapid.OneOf(fragments, rapid.SampledFrom([]string{"7", "true", "10.0.0.1", "2026-11-23T10:00:00Z"})), 1, 2)
		request := map[string]any{}
		for _, key := range []string{"aws:username", "aws:principaltag/team", "kms:encryptioncontext:name", "aws:tagkeys", "kms:viaservice", "aws:currenttime", "aws:sourceip"} {
			if rapid.Bool().Draw(t, "present") {
				request[key] = value.Draw(t, key)
			}
		}
		input := map[string]any{"action": "kms:Decrypt", "resource": testKey, "principal": callers["first"], "context": request}
		require.Equal(t, p.ask(t, input), p.ask(t, only(m.Footprint, input)), "the footprint %v lacks something\n%s", m.Footprint, p.text)
	})
	require.Positive(t, accepted)
}
