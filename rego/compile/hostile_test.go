package compile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/compile"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// full repeats an item, in which # is the running number, as often as a key
// policy of one statement can hold it between before and after.
func full(before, item, after string) string {
	b := &strings.Builder{}
	b.WriteString(`{"Version":"2012-10-17","Statement":{"Principal":"*","Action":"kms:*","Resource":"*",` + before)
	for n, comma := 0, ""; ; n, comma = n+1, "," {
		next := comma + strings.ReplaceAll(item, "#", fmt.Sprint(n))
		if b.Len()+len(next)+len(after)+len("}}") > 32768 {
			return b.String() + after + "}}"
		}
		b.WriteString(next)
	}
}

// hostile are policies of 32 KB that have as much as possible of one thing.
func hostile() map[string]string {
	all := map[string]string{}
	for name, v := range map[string]string{
		"any text in the middle": `"a*#"`, "any text at both ends": `"*#*"`, "any character": `"?#"`, "many wildcards": `"` + strings.Repeat("*a", 9) + `?#"`,
		"one variable": `"${aws:username}#"`, "variables": `"${saml:#}"`, "variables with defaults": `"${aws:username, '#'}"`,
		"two variables": `"${aws:username}?${aws:userid}"`, "wildcards and variables": `"*${aws:username}*#?"`,
	} {
		for _, operator := range []string{"StringLike", "StringNotLike", "StringLikeIfExists"} {
			all[name+", Deny "+operator] = full(`"Effect":"Deny","Condition":{"`+operator+`":{"aws:PrincipalTag/t":[`, v, `]}}`)
			all[name+", Allow "+operator] = full(`"Effect":"Allow","Condition":{"`+operator+`":{"aws:PrincipalTag/t":[`, v, `]}}`)
		}
	}
	for _, operator := range []string{"ArnLike", "ArnNotLike"} {
		all["parts of ARNs, "+operator] = full(`"Effect":"Deny","Condition":{"`+operator+`":{"aws:SourceArn":[`, `"*:?:*:#:*:*"`, `]}}`)
		all["variables for ARNs, "+operator] = full(`"Effect":"Deny","Condition":{"`+operator+`":{"aws:SourceArn":[`, `"${aws:username}*#"`, `]}}`)
	}
	for _, operator := range []string{"StringLike", "StringNotLike", "StringLikeIfExists", "ForAnyValue:StringNotEqualsIfExists"} {
		all["conditions, "+operator] = full(`"Effect":"Allow","Condition":{"`+operator+`":{`, `"saml:#":"a*"`, `}}`)
		all["conditions of encryption context, "+operator] = full(`"Effect":"Deny","Condition":{"`+operator+`":{`, `"kms:EncryptionContext:#":["a?","b"]`, `}}`)
	}
	one := full(`"Effect":"Deny","Condition":{"StringLike":{"aws:PrincipalTag/t":"`, "${saml:#}*", `"}}`)
	all["variables in one pattern"] = strings.ReplaceAll(one, "*,${", "*${")
	all["statements"] = fill(func(n int) string {
		return fmt.Sprintf(`{"Effect":"Deny","Principal":"*","Action":"kms:D*","Resource":"*","Condition":{"StringLike":{"saml:%d":["a","b*","*c","d?"]}}}`, n)
	})
	return all
}

// What OPA's compiler does grows with the nodes of a module, and with the square
// of the expressions of a body and of the definitions of a rule.
func TestHostilePoliciesMakeModulesOfBoundedSize(t *testing.T) {
	for name, text := range hostile() {
		doc, err := policy.Parse(policy.Key, []byte(text))
		require.NoError(t, err, name)
		m, err := compile.Compile(doc, compile.Options{})
		require.NoError(t, err, name)
		nodes, definitions := 0, map[string]int{}
		ast.NewGenericVisitor(func(any) bool { nodes++; return false }).Walk(m.AST)
		for _, r := range m.AST.Rules {
			definitions[r.Head.Name.String()]++
		}
		ast.WalkBodies(m.AST, func(b ast.Body) bool {
			assert.LessOrEqual(t, len(b), 150, name)
			return false
		})
		assert.Less(t, nodes, 150_000, name)
		for rule, n := range definitions {
			assert.True(t, rule == "_deny" || n <= 40, "%s: %d definitions of %s", name, n, rule)
		}
	}
}

// BenchmarkHostile compiles and prepares 32 KB of what is dearest.
func BenchmarkHostile(b *testing.B) {
	for name, text := range hostile() {
		b.Run(name, func(b *testing.B) {
			doc, err := policy.Parse(policy.Key, []byte(text))
			require.NoError(b, err)
			for b.Loop() {
				m, err := compile.Compile(doc, compile.Options{})
				require.NoError(b, err)
				c := ast.NewCompiler()
				c.Compile(map[string]*ast.Module{"policy": m.AST})
				require.Empty(b, c.Errors)
			}
		})
	}
}
