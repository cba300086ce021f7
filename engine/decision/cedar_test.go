package decision

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cedar-policy/cedar-go"
	"github.com/stretchr/testify/require"
)

// cedarReference is the reference case for Cedar, so that one run measures
// both engines.
func cedarReference(t testing.TB) (*cedar.PolicySet, cedar.EntityMap, cedar.Request) {
	text, err := os.ReadFile(filepath.Join("testdata", "reference", "reference.cedar"))
	require.NoError(t, err)
	set, err := cedar.NewPolicySetFromBytes("reference.cedar", text)
	require.NoError(t, err)
	q := referenceQuestion(t)
	principal, resource := cedar.NewEntityUID("Role", cedar.String(q.Principal.Role)), cedar.NewEntityUID("Key", cedar.String(q.Resource.ARN))
	attribute := func(key string) cedar.Value { return cedar.String(q.Context[key][0]) }
	entities := cedar.EntityMap{
		principal: {UID: principal, Attributes: cedar.NewRecord(cedar.RecordMap{"account": cedar.String(q.Principal.Account)})},
		resource: {UID: resource, Attributes: cedar.NewRecord(cedar.RecordMap{
			"account": cedar.String(q.Resource.Account), "arn": cedar.String(q.Resource.ARN), "stage": attribute("aws:resourcetag/stage"),
		})},
	}
	return set, entities, cedar.Request{
		Principal: principal, Action: cedar.NewEntityUID("Action", cedar.String(q.Action)), Resource: resource,
		Context: cedar.NewRecord(cedar.RecordMap{
			"encryptionContextDept": attribute("kms:encryptioncontext:dept"), "requestedRegion": attribute("aws:requestedregion"),
		}),
	}
}

func TestCedarDecidesTheReferenceCaseAlike(t *testing.T) {
	set, entities, request := cedarReference(t)
	decision, diagnostic := cedar.Authorize(set, entities, request)
	require.Empty(t, diagnostic.Errors)
	require.Equal(t, cedar.Allow, decision)

	request.Context = cedar.NewRecord(cedar.RecordMap{"requestedRegion": cedar.String("us-west-2")})
	decision, _ = cedar.Authorize(set, entities, request)
	require.Equal(t, cedar.Deny, decision, "without the encryption context")
}

func BenchmarkCedarReference(b *testing.B) {
	set, entities, request := cedarReference(b)
	b.ReportAllocs()
	for b.Loop() {
		if decision, _ := cedar.Authorize(set, entities, request); decision != cedar.Allow {
			b.Fatal("refused")
		}
	}
}
