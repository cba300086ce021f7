package compile_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/compile"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// FuzzCompile: whatever policy.Parse accepts compiles, prints as text that
// parses and is formatted, prepares, and answers, strictly as leniently.
func FuzzCompile(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(f, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(f, err)
		word, _, _ := strings.Cut(filepath.Base(file), "-")
		kind, _ := policy.KindOf(word)
		f.Add(int(kind), text, "alice", "10.0.0.1")
	}
	f.Add(int(policy.Identity), []byte(everyOperator()), "2026-11-23T10:00:00Z", "7")
	f.Fuzz(func(t *testing.T, kind int, text []byte, one, two string) {
		doc, err := policy.Parse(policy.Kind(kind), text)
		if err != nil {
			return
		}
		m, err := compile.Compile(doc, compile.Options{Package: "test.document"})
		var faults policy.Errors
		if errors.As(err, &faults) {
			require.NotEmpty(t, faults)
			return
		}
		require.NoError(t, err)
		checkText(t, m)
		p := prepare(t, m)
		values := map[string]any{}
		for _, field := range m.Footprint {
			if key, ok := strings.CutPrefix(field, "context."); ok {
				values[key] = []string{one, two}
			}
		}
		for _, request := range []map[string]any{{}, values} {
			p.ask(t, map[string]any{"action": "kms:Decrypt", "resource": testKey, "principal": callers["first"], "context": request})
		}
	})
}

// everyOperator is a policy with all samples of the operators' table.
func everyOperator() string {
	var conditions []string
	seen := map[string]bool{}
	for _, s := range samples {
		if !seen[s.operator] {
			seen[s.operator] = true
			conditions = append(conditions, `"`+s.operator+`":{"aws:username":`+s.operands+`}`, `"ForAnyValue:`+s.operator+`IfExists":{"kms:EncryptionContext:a":`+s.operands+`}`)
		}
	}
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"arn:aws:kms:::key/${aws:username, 'x'}?","Condition":{` + strings.Join(conditions, ",") + `}}}`
}

// hostile patterns would be exponential for a matcher that tries again.
func TestHostilePatternsAreBounded(t *testing.T) {
	const limit = 5 * time.Second
	long := strings.Repeat("a", 2048)
	for name, statement := range map[string]string{
		"stars in a resource":     `"Resource":"arn:aws:kms:*:*:` + strings.Repeat("*a", 1000) + `b"`,
		"stars in a value":        `"Resource":"*","Condition":{"StringLike":{"aws:username":"` + strings.Repeat("*a", 1000) + `*b"}}`,
		"questions and stars":     `"Resource":"*","Condition":{"StringLike":{"aws:username":"` + strings.Repeat("*?a", 600) + `*b"}}`,
		"stars in an ARN":         `"Resource":"*","Condition":{"ArnLike":{"aws:username":"arn:` + strings.Repeat("*a", 800) + `:` + strings.Repeat("*a", 800) + `:*:*:` + strings.Repeat("*a", 800) + `b"}}`,
		"stars and variables":     `"Resource":"*","Condition":{"StringLike":{"aws:username":"` + strings.Repeat("*${aws:username, 'a'}*a", 300) + `b"}}`,
		"many values":             `"Resource":"*","Condition":{"StringNotLike":{"aws:username":["` + strings.Join(strings.Split(strings.Repeat("*a*a*b ", 400), " "), `","`) + `"]}}`,
		"one key under many":      `"Resource":"*","Condition":{` + manyOperators() + `}`,
		"many encryption context": `"Resource":"*","Condition":{"StringEquals":{` + manyKeys() + `}}`,
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			doc, err := policy.Parse(policy.Endpoint, []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*",`+statement+`}}`))
			require.NoError(t, err)
			m, err := compile.Compile(doc, compile.Options{})
			require.NoError(t, err)
			q, err := rego.New(rego.Query("data.policy.verdict"), rego.ParsedModule(m.AST), rego.StrictBuiltinErrors(true)).PrepareForEval(context.Background())
			require.NoError(t, err)
			var many []string
			for i := range 50 {
				many = append(many, long[:i+1])
			}
			input := map[string]any{"action": "kms:Decrypt", "resource": "arn:aws:kms:::" + long, "principal": callers["alice"],
				"context": map[string]any{"aws:username": []string{long}, "aws:tagkeys": many, "kms:encryptioncontextkeys": many}}
			rs, err := q.Eval(context.Background(), rego.EvalInput(input))
			require.NoError(t, err)
			require.Len(t, rs, 1)
			assert.Less(t, time.Since(start), limit)
		})
	}
}

// manyOperators put conditions on two keys with fifty values each, which all
// hold but the last: trying every combination would never end.
func manyOperators() string {
	var all []string
	for _, key := range []string{"aws:TagKeys", "kms:EncryptionContextKeys"} {
		for _, operator := range []string{"StringLike", "StringEqualsIgnoreCase", "ForAnyValue:StringLike", "ForAnyValue:StringNotEquals", "ForAnyValue:StringNotLike",
			"ForAnyValue:StringLikeIfExists", "ForAnyValue:ArnNotLike", "ForAnyValue:NumericNotEquals"} {
			operand := `["a*","*a","aa"]`
			switch {
			case strings.Contains(operator, "Arn"):
				operand = `"arn:*:*:*:*:*"`
			case strings.Contains(operator, "Numeric"):
				operand = `"7"`
			case strings.Contains(operator, "Not"):
				operand = `"x"`
			}
			all = append(all, `"`+operator+` `+key+`":`+operand)
		}
	}
	blocks := map[string][]string{}
	var names []string
	for _, c := range all {
		name, rest, _ := strings.Cut(strings.TrimPrefix(c, `"`), " ")
		if blocks[name] == nil {
			names = append(names, name)
		}
		blocks[name] = append(blocks[name], `"`+rest)
	}
	var text []string
	for _, n := range names {
		text = append(text, `"`+n+`":{`+strings.Join(blocks[n], ",")+`}`)
	}
	return strings.Join(append(text, `"NumericEquals":{"aws:username":"7"}`), ",")
}

func manyKeys() string {
	var all []string
	for i := range 400 {
		all = append(all, `"kms:EncryptionContext:n`+strings.Repeat("x", i%7)+string(rune('a'+i%26))+string(rune('a'+i/26))+`":["a","b"]`)
	}
	return strings.Join(all, ",")
}

func TestLargeModulesPrepareStrictly(t *testing.T) {
	for _, b := range benchmarked {
		doc, err := policy.Parse(policy.Key, []byte(b.text))
		require.NoError(t, err, b.name)
		m, err := compile.Compile(doc, compile.Options{})
		require.NoError(t, err, b.name)
		c := ast.NewCompiler().WithStrict(true)
		c.Compile(map[string]*ast.Module{"policy": m.AST})
		require.Empty(t, c.Errors, b.name)
	}
}
