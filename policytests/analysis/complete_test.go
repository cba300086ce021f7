package analysis

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// request draws what a request brings without regard to what policies ask:
// values near those of the generator's conditions.
func (g generator) request(s *subject) decision.Question {
	q := s.question()
	put := func(key string, values ...string) {
		i := info(key)
		if _, fixed := s.fixed(i); !fixed {
			q.Context[key] = values
		}
	}
	one := func(key string, from ...string) { put(key, pick(g, from...)) }
	if s.carries(info(encryptionContext + "dept")) {
		pairs := map[string]string{}
		for _, name := range []string{"dept", "app", "other", "data"} {
			if g.IntN(2) == 0 {
				if g.IntN(4) == 0 {
					name = strings.ToUpper(name[:1]) + name[1:]
				}
				pairs[name] = pick(g, "finance", "FINANCE", "Finance", "fin", "finish", "nance", "it", "xany-user", "something else")
			}
		}
		for name, value := range pairs {
			q.Context[encryptionContext+strings.ToLower(name)] = []string{value}
		}
		if len(pairs) > 0 {
			q.Context[contextKeys] = slices.Sorted(maps.Keys(pairs))
			q.EncryptionContext = pairs
			put("kms:grantconstrainttype", pick(g, "EncryptionContextSubset", "EncryptionContextEquals"))
		}
	}
	g.network(s, put)
	if g.IntN(2) == 0 {
		one(principalTag+"dept", "finance", "it", "fin", "financial", "Finance", "x")
	}
	one("aws:userid", "AROAABCDEFGHIJKLMNOPQ:bob", "AROAABCDEFGHIJKLMNOPQ:session", "AROAABCDEFGHIJKLMNOPQ:other")
	if s.caller.Type == decision.User || s.caller.Type == decision.Root {
		one("aws:userid", "AIDAABCDEFGHIJKLMNOPQ")
	}
	if g.IntN(2) == 0 {
		org := pick(g, "o-exampleorg", "o-abcdefghij")
		if s.caller.Outside {
			org = "o-otherother0"
		}
		put("aws:principalorgid", org)
	}
	g.times(s, put)
	one("aws:securetransport", "true", "false")
	one("kms:encryptionalgorithm", "SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_256", "SM2PKE")
	if s.on.kind == policy.KeyResource {
		one("kms:keyspec", "SYMMETRIC_DEFAULT", "RSA_2048", "ECC_NIST_P256")
	}
	put("kms:grantoperations", pick(g, []string{"Decrypt"}, []string{"Encrypt", "Decrypt"}, []string{"CreateGrant"}, []string{"DescribeKey"}, []string{"DescribeKey", "Encrypt"})...)
	if g.IntN(2) == 0 {
		one("kms:requestalias", "alias/a", "alias/bcd")
	}
	if s.caller.Type == decision.Service && g.IntN(2) == 0 {
		one("aws:sourceaccount", "111122223333", "222222222222")
	}
	return q
}

func (g generator) network(s *subject, put func(string, ...string)) {
	if s.by.endpoint != nil {
		put("aws:sourcevpce", pick(g, "vpce-11112222333344445", "vpce-99992222333344445"))
		put("aws:vpcsourceip", pick(g, "10.0.0.1", "10.1.2.3", "192.0.2.77", "172.16.0.9"))
		return
	}
	if g.IntN(2) == 0 {
		put("aws:sourceip", pick(g, "10.0.0.1", "10.1.2.3", "192.0.2.77", "8.8.8.8", "2001:db8::1"))
		return
	}
	name := pick(g, "s3", "ec2", "sx", "s3control", "lambda")
	for key, values := range forwarded("us-east-1", name+".amazonaws.com") {
		put(key, values...)
	}
}

func (g generator) times(s *subject, put func(string, ...string)) {
	now := pick(g, "2024-01-01T00:00:00Z", "2026-01-15T12:00:00Z", "2026-12-01T00:00:00Z")
	put("aws:currenttime", now)
	if s.caller.Type == decision.Role {
		put("aws:tokenissuetime", pick(g, now, "2023-06-01T00:00:00Z"))
		return
	}
	switch g.IntN(3) {
	case 0:
		put("aws:tokenissuetime", pick(g, now, "2023-06-01T00:00:00Z"))
		put("aws:multifactorauthpresent", "false")
	case 1:
		put("aws:tokenissuetime", now)
		put("aws:multifactorauthpresent", "true")
		put("aws:multifactorauthage", pick(g, "10", "299", "300", "1000", "5000"))
	}
}

func TestWhatIsProvedAbsentIsNotFoundByChance(t *testing.T) {
	states := map[State]int{}
	actions := []string{"kms:Decrypt", "kms:CreateGrant", "kms:PutKeyPolicy"}
	for seed := range uint64(40) {
		g := generator{rand.New(rand.NewPCG(seed, 2))}
		k := pick(g, kindsOfUniverse...)
		a := g.document(k)
		b := *a
		if b.Statements = slices.Clone(a.Statements); len(b.Statements) > 1 {
			i := g.IntN(len(b.Statements))
			b.Statements = slices.Delete(b.Statements, i, i+1)
			for j := range b.Statements {
				b.Statements[j].Index = j
			}
		}
		pair, err := OfDocuments(Config{}, Loose{Document: a, Account: "111122223333"}, Loose{Document: &b})
		require.NoError(t, err)
		if g.IntN(2) == 0 {
			slices.Reverse(pair)
		}
		for _, name := range actions {
			answer, err := Find(t.Context(), Query{Allowed: pair[:1], Refused: pair[1:], Actions: []string{name}})
			require.NoError(t, err, a.Text)
			if states[answer.State]++; answer.State != Proved {
				continue
			}
			action, _ := policy.ActionNamed(name)
			for range 30 {
				c := pick(g, pair[0].callers...)
				all := pair[0].asking(c, &action)
				if len(all) == 0 {
					continue
				}
				s := pick(g, all...)
				q := g.request(s)
				other := q
				other.KeyPolicy, other.RCP, other.Endpoint = s.in(pair[1]).on.policy, s.in(pair[1]).on.rcp, s.in(pair[1]).by.policy
				at := s.in(pair[1]).caller.attached
				other.Identity, other.Boundary, other.Session, other.SCP = at.Identity, at.Boundary, at.Session, at.SCP
				assert.False(t, decides(t, pair[0], q) && !decides(t, pair[1], other), "seed %d: %s\nwithout %v\n%s by %s%s: %v", seed, a.Text, b.String(),
					name, c.ARN, c.Variation, q.Context)
			}
		}
	}
	t.Logf("%v", states)
	assert.Greater(t, states[Proved], 30)
	assert.Greater(t, states[Found], 8)
	assert.Less(t, states[Unknown], 10)
}

func decides(t *testing.T, u *Universe, q decision.Question) bool {
	t.Helper()
	d, err := u.cfg.Engine.Decide(context.Background(), q)
	require.NoError(t, err)
	return d.Allowed
}
