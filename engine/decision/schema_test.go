package decision

import (
	"encoding/json"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/lib/schema"
)

// matcher holds inputs against a published schema.
func matcher(t *testing.T, name string) func(input *ast.Term) []any {
	t.Helper()
	text, err := schema.Text(name)
	require.NoError(t, err)
	query, err := rego.New(rego.Query("x = json.match_schema(input.it, input.schema)")).PrepareForEval(t.Context())
	require.NoError(t, err)
	return func(input *ast.Term) []any {
		it, err := ast.JSON(input.Value)
		require.NoError(t, err)
		found, err := query.Eval(t.Context(), rego.EvalInput(map[string]any{"it": it, "schema": json.RawMessage(text)}))
		require.NoError(t, err)
		require.Len(t, found, 1)
		return found[0].Bindings["x"].([]any)[1].([]any)
	}
}

func TestInputsAreAsTheirSchemasSay(t *testing.T) {
	e := guarded(t, Config{}, viaS3)
	document, decide := matcher(t, schema.Document), matcher(t, schema.Decide)
	child := func(q *Question) {
		q.Child = &Child{Operations: []string{"Decrypt"}, Equals: map[string]string{"a": "b"}}
	}
	for name, q := range map[string]Question{
		"as it is": ask(),
		"in full": ask(keySays(delegates), iamSays(allow("", "*")), boundarySays(allow("", "*")), sessionSays(allow("", "s3:*")), endpointSays(deny("*", "*")),
			scpSays(allow("", "s3:*")), rcpSays(deny("*", "kms:*"))),
		"a service":          ask(by(logs)),
		"a federated user":   ask(by(fred)),
		"with grants":        ask(by(payroll), granted(to(ViaRole, "AROAPAYROLL")), granted(Grant{Grantee: Party{ViaUser, "x"}, Retiree: Party{ViaAccount, home}, Subset: map[string]string{"a": "b"}})),
		"a grant of a grant": ask(action("kms:CreateGrant"), child, granted(to(ViaUser, "AIDAANN"))),
		"a management account and an AWS managed key": ask(managementCaller, func(q *Question) {
			q.Resource.Management, q.Resource.AWSManaged, q.EncryptionContext = true, true, map[string]string{"a": "b"}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			d, err := e.Decide(t.Context(), q)
			require.NoError(t, err)
			assert.Empty(t, document(wholeInput(&q)))
			assert.Empty(t, decide(decideInput(&q, d.full.attachments)))
		})
	}
	assert.NotEmpty(t, document(ast.MustParseTerm(`{"action": 7}`)), "the matcher matches")
}
