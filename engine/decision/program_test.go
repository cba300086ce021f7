package decision

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/policy"
)

func TestEqualDocumentsShareAProgram(t *testing.T) {
	text := []byte(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/ann"},
		"Action": "kms:*", "Resource": "*"}}`)
	parse := func(id string) *Policy {
		d, err := policy.Parse(policy.Key, text)
		require.NoError(t, err)
		return &Policy{Document: d, Principals: map[string]string{"arn:aws:iam::111122223333:user/ann": id}}
	}
	ps := newPrograms(1 << 30)
	of := func(p *Policy) *program {
		prog, err := ps.of(t.Context(), p)
		require.NoError(t, err)
		return prog
	}
	first := parse("AIDAANN")
	assert.Same(t, of(first), of(first))
	assert.Same(t, of(first), of(parse("AIDAANN")), "parsed anew")
	assert.NotSame(t, of(first), of(parse("AIDAANN2")), "a recreated user")
	assert.NotSame(t, of(first), of(&Policy{Document: first.Document}), "a user that does not exist")
	assert.NotEqual(t, of(first).id, of(parse("AIDAANN2")).id)
}

// A user and a role of one unique id are not one principal.
func TestFormsOfPrincipalsAreToldApart(t *testing.T) {
	ps := newPrograms(1 << 30)
	digests := map[string]bool{}
	for _, arn := range []string{"arn:aws:iam::111122223333:user/x", "arn:aws:iam::111122223333:role/x"} {
		d, err := policy.Parse(policy.Key, []byte(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
			"Principal": {"AWS": "`+arn+`"}, "Action": "kms:*", "Resource": "*"}}`))
		require.NoError(t, err)
		digests[ps.digest(&Policy{Document: d, Principals: map[string]string{arn: "ID"}})] = true
	}
	assert.Len(t, digests, 2)
}

// Programs come and go under the bound while questions are decided.
func TestDecisionsUnderEviction(t *testing.T) {
	e, err := New(Config{Limit: PatientLimit, Cache: true, CacheBytes: 20_000, ProgramBytes: 120_000, VerifyEvery: 5})
	require.NoError(t, err)
	var wg sync.WaitGroup
	for g := range 2 {
		wg.Go(func() {
			for i := range 60 {
				who, want := "user/ann", "allow resource"
				if (i+g)%2 == 0 {
					who, want = "user/ben", "no-allow resource"
				}
				d, err := e.Decide(t.Context(), ask(keySays(statement("Allow", who, "kms:*", fmt.Sprintf(
					`{"Null": {"aws:PrincipalTag/absent%d": "true"}}`, i%20)))))
				assert.NoError(t, err)
				assert.Equal(t, want, verdictOf(d))
			}
		})
	}
	wg.Wait()
	s := e.Stats()
	assert.LessOrEqual(t, s.ProgramBytes, int64(120_000))
	assert.LessOrEqual(t, s.RememberedBytes, int64(40_000))
	assert.Less(t, s.Programs, 10)
}

func TestProgramsMayNotUseNetworkClockOrChance(t *testing.T) {
	for _, name := range []string{"http.send", "time.now_ns", "rand.intn", "uuid.rfc4122", "net.lookup_ip_addr", "opa.runtime"} {
		assert.NotContains(t, builtins(), name)
	}
}
