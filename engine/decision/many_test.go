package decision

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// fourStatements is a key policy as the console writes it, for principals of
// its own, and so unlike any other.
func fourStatements(t testing.TB, n int) *Policy {
	t.Helper()
	principals := fmt.Sprintf(`{"AWS": ["arn:aws:iam::111122223333:role/use-%d", "arn:aws:iam::111122223333:user/use-%d"]}`, n, n)
	d, err := policy.Parse(policy.Key, fmt.Appendf(nil, `{"Version": "2012-10-17", "Id": "key-consolepolicy-3", "Statement": [
		{"Sid": "Enable IAM policies", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"},
		{"Sid": "Administrators", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/admin-%d"}, "Resource": "*",
			"Action": ["kms:Create*", "kms:Describe*", "kms:Enable*", "kms:List*", "kms:Put*", "kms:Update*", "kms:Revoke*", "kms:Disable*", "kms:Get*",
				"kms:Delete*", "kms:TagResource", "kms:UntagResource", "kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion"]},
		{"Sid": "Use", "Effect": "Allow", "Principal": %s, "Resource": "*",
			"Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]},
		{"Sid": "Resources", "Effect": "Allow", "Principal": %s, "Resource": "*", "Action": ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"],
			"Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}}}]}`, n, principals, principals))
	require.NoError(t, err)
	p := &Policy{Name: "default", Owner: home, Document: d, Principals: map[string]string{}}
	for i, named := range namedIn(d) {
		p.Principals[named.Text] = fmt.Sprintf("AROA%dOF%d", i, n)
	}
	return p
}

// decideUnderMany decides once under each of n policies, and returns what each
// occupies, its document included.
func decideUnderMany(t testing.TB, e *Engine, n int) int64 {
	t.Helper()
	q := referenceQuestion(t)
	policies := make([]*Policy, n)
	before := heap()
	for i := range policies {
		policies[i] = fourStatements(t, i)
		q.KeyPolicy = policies[i]
		d, err := e.Decide(t.Context(), q)
		require.NoError(t, err)
		require.True(t, d.Allowed)
	}
	bytes := (heap() - before) / int64(n)
	runtime.KeepAlive(policies)
	runtime.KeepAlive(e)
	return bytes
}

// 10,000 policies of four statements, all compiled, take less than 500 MB.
func TestAPolicyOfFourStatementsTakesLessThan50KB(t *testing.T) {
	const n = 500
	e, err := New(Config{Limit: PatientLimit})
	require.NoError(t, err)
	warm := e.Stats()
	assert.Less(t, decideUnderMany(t, e, n), int64(50_000))
	s := e.Stats()
	assert.Equal(t, n+len(referenceQuestion(t).Identity)+1, s.Programs-warm.Programs)
	assert.Less(t, s.ProgramBytes-warm.ProgramBytes, int64(n*400<<20/10_000), "10,000 fit in the default bound")
}

// Of more policies than fit in the bound, those asked about last are kept, and
// each is answered.
func TestProgramsStayWithinTheirBound(t *testing.T) {
	const bound = 2 << 20
	e, err := New(Config{Limit: PatientLimit, ProgramBytes: bound})
	require.NoError(t, err)
	each := decideUnderMany(t, e, 300)
	s := e.Stats()
	assert.Less(t, s.Programs, 100)
	assert.LessOrEqual(t, s.ProgramBytes, int64(bound))
	assert.Less(t, each, int64(25_000), "documents, and a part of the programs")
	q := referenceQuestion(t)
	for _, n := range []int{0, 299} {
		q.KeyPolicy = fourStatements(t, n)
		d, err := e.Decide(t.Context(), q)
		require.NoError(t, err)
		assert.True(t, d.Allowed)
	}
}

// BenchmarkManyPolicies compiles 10,000 policies of four statements and keeps
// all of them.
func BenchmarkManyPolicies(b *testing.B) {
	const n = 10_000
	for range b.N {
		e, err := New(Config{Limit: PatientLimit, Cache: true, VerifyEvery: 1000})
		require.NoError(b, err)
		bytes := decideUnderMany(b, e, n)
		b.ReportMetric(float64(bytes), "bytes/policy")
		b.ReportMetric(float64(e.Stats().Programs), "programs")
		b.ReportMetric(float64(e.Stats().ProgramBytes)/n, "estimate/policy")
	}
}
