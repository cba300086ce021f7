package compile_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/compile"
	"github.com/keyreeve/keyreeve/rego/policy"
)

const defaultPolicy = `{"Version":"2012-10-17","Id":"key-default-1","Statement":[{"Sid":"Enable IAM User Permissions",
	"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}]}`

// fill repeats a statement, of which n is the running number, as often as a
// key policy can hold.
func fill(statement func(n int) string) string {
	var b strings.Builder
	b.WriteString(`{"Version":"2012-10-17","Statement":[` + statement(0))
	for n := 1; ; n++ {
		s := statement(n)
		if b.Len()+len(s)+len(",\n]}") > 32768 {
			return b.String() + "]}"
		}
		b.WriteString(",\n" + s)
	}
}

func role(n int) string { return fmt.Sprintf(`"arn:aws:iam::111122223333:role/team-%d"`, n) }

// benchmarked policies: the default one, and large ones of several shapes.
var benchmarked = []struct{ name, text string }{
	{"default", defaultPolicy},
	{"one-role", fill(func(n int) string {
		return `{"Effect":"Allow","Principal":{"AWS":` + role(n) + `},"Action":["kms:Encrypt","kms:Decrypt","kms:GenerateDataKey*"],"Resource":"*"}`
	})},
	{"one-role-condition", fill(func(n int) string {
		return `{"Sid":"Team ` + fmt.Sprint(n) + `","Effect":"Allow","Principal":{"AWS":` + role(n) + `},"Action":["kms:Encrypt","kms:Decrypt","kms:GenerateDataKey*"],"Resource":"*",
			"Condition":{"StringEquals":{"kms:ViaService":["s3.us-east-1.amazonaws.com","ec2.us-east-1.amazonaws.com"]},"StringLike":{"kms:EncryptionContext:dept":"d*"}}}`
	})},
	{"three-roles", fill(func(n int) string {
		return `{"Effect":"Allow","Principal":{"AWS":[` + role(3*n) + `,` + role(3*n+1) + `,` + role(3*n+2) + `]},"Action":["kms:Encrypt","kms:Decrypt","kms:GenerateDataKey*"],"Resource":"*",
			"Condition":{"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"}}}`
	})},
	{"eight-roles", fill(func(n int) string {
		var roles []string
		for i := range 8 {
			roles = append(roles, role(8*n+i))
		}
		return `{"Effect":"Allow","Principal":{"AWS":[` + strings.Join(roles, ",") + `]},"Action":["kms:Encrypt","kms:Decrypt"],"Resource":"*"}`
	})},
	{"many-roles", fill(func(n int) string {
		var roles []string
		for i := range 20 {
			roles = append(roles, role(20*n+i))
		}
		return `{"Effect":"Allow","Principal":{"AWS":[` + strings.Join(roles, ",") + `]},"Action":["kms:Encrypt","kms:Decrypt"],"Resource":"*"}`
	})},
	{"everyone-one-value", fill(func(n int) string {
		return `{"Effect":"Allow","Principal":"*","Action":["kms:Encrypt","kms:Decrypt"],"Resource":"*","Condition":{"StringEquals":{"kms:ViaService":"s` + fmt.Sprint(n) + `.us-east-1.amazonaws.com"}}}`
	})},
	{"everyone-two-values", fill(func(n int) string {
		return `{"Effect":"Allow","Principal":"*","Action":["kms:Encrypt","kms:Decrypt"],"Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":["s` + fmt.Sprint(n) + `","t` + fmt.Sprint(n) + `"]}}}`
	})},
	{"deny-not-like", fill(func(n int) string {
		return `{"Effect":"Deny","Principal":"*","Action":["kms:ScheduleKeyDeletion","kms:Disable*"],"Resource":"*","Condition":{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/admin-` + fmt.Sprint(n) + `*"}}}`
	})},
}

// question is one Decrypt by a role, as parsed input.
func question(t testing.TB) ast.Value {
	t.Helper()
	v, err := ast.InterfaceToValue(map[string]any{
		"action": "kms:Decrypt", "resource": testKey,
		"principal": map[string]any{"type": "role", "account": "111122223333", "role": "arn:aws:iam::111122223333:role/team-7",
			"session": "arn:aws:iam::111122223333:role/team-7:s", "boundary": false},
		"context": map[string]any{"kms:viaservice": []any{"s3.us-east-1.amazonaws.com"}, "kms:calleraccount": []any{"111122223333"},
			"kms:encryptioncontext:dept": []any{"d7"}, "kms:encryptioncontextkeys": []any{"dept"}, "kms:keyspec": []any{"SYMMETRIC_DEFAULT"},
			"kms:keyusage": []any{"ENCRYPT_DECRYPT"}, "kms:keyorigin": []any{"AWS_KMS"}, "kms:multiregion": []any{"false"},
			"aws:principalarn": []any{"arn:aws:iam::111122223333:role/team-7"}, "aws:principalaccount": []any{"111122223333"},
			"aws:principaltype": []any{"AssumedRole"}, "aws:userid": []any{"AROAEXAMPLE:s"}, "aws:principaltag/team": []any{"t7"},
			"aws:sourceip": []any{"203.0.113.7"}, "aws:securetransport": []any{"true"}, "aws:currenttime": []any{"2026-11-23T10:00:00Z"},
			"aws:epochtime": []any{"1795428000"}, "aws:requestedregion": []any{"us-east-1"}},
	})
	require.NoError(t, err)
	return v
}

func BenchmarkCompile(b *testing.B) {
	for _, p := range benchmarked {
		b.Run(p.name, func(b *testing.B) {
			doc, err := policy.Parse(policy.Key, []byte(p.text))
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = compile.Compile(doc, compile.Options{})
			}
		})
	}
}

// BenchmarkPrepare parses, compiles and prepares: what a changed policy costs.
func BenchmarkPrepare(b *testing.B) {
	for _, p := range benchmarked {
		b.Run(p.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				doc, err := policy.Parse(policy.Key, []byte(p.text))
				require.NoError(b, err)
				m, err := compile.Compile(doc, compile.Options{})
				require.NoError(b, err)
				c := ast.NewCompiler()
				c.Compile(map[string]*ast.Module{"policy": m.AST})
				require.Empty(b, c.Errors)
			}
		})
	}
}

func BenchmarkEvaluate(b *testing.B) {
	for _, p := range benchmarked {
		b.Run(p.name, func(b *testing.B) {
			doc, err := policy.Parse(policy.Key, []byte(p.text))
			require.NoError(b, err)
			m, err := compile.Compile(doc, compile.Options{})
			require.NoError(b, err)
			c := ast.NewCompiler()
			c.Compile(map[string]*ast.Module{"policy": m.AST})
			require.Empty(b, c.Errors)
			evaluate(b, c, question(b))
		})
	}
}

func evaluate(b *testing.B, c *ast.Compiler, input ast.Value) {
	b.Helper()
	ctx := context.Background()
	query, err := c.QueryCompiler().Compile(ast.MustParseBody("verdict = data.policy.verdict"))
	require.NoError(b, err)
	store := inmem.New()
	txn, err := store.NewTransaction(ctx)
	require.NoError(b, err)
	term := ast.NewTerm(input)
	b.ReportAllocs()
	for b.Loop() {
		q := topdown.NewQuery(query).WithCompiler(c).WithStore(store).WithTransaction(txn).WithInput(term).WithStrictBuiltinErrors(true)
		answers := 0
		err := q.Iter(ctx, func(topdown.QueryResult) error {
			answers++
			return nil
		})
		if err != nil || answers != 1 {
			b.Fatal(answers, err)
		}
	}
}
