package analysis

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A generator draws policies whose statements are near each other, so that they
// often overlap.
type generator struct{ *rand.Rand }

func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }

// condition draws one condition: an operator on a key with values.
func (g generator) condition() (operator, key string, values []string) {
	text := func(op string) string {
		return pick(g, "", "", "ForAnyValue:", "ForAllValues:") + op + pick(g, "", "", "IfExists")
	}
	op := pick(g, "StringEquals", "StringLike", "StringNotEquals", "StringNotLike", "StringEqualsIgnoreCase")
	list := func(from ...string) []string {
		var out []string
		for range 1 + g.IntN(2) {
			out = append(out, pick(g, from...))
		}
		return out
	}
	switch g.IntN(17) {
	case 0, 1:
		return text(op), "kms:ViaService", list("s3.us-east-1.amazonaws.com", "s3.*.amazonaws.com", "ec2.us-east-1.amazonaws.com", "s?.us-east-1.amazonaws.com", "*")
	case 2, 3:
		return g.plain(op), "kms:EncryptionContext:" + pick(g, "dept", "Dept", "app"), list("finance", "fin*", "FINANCE", "*nance", "it", "${aws:PrincipalTag/dept}", "x${aws:username}")
	case 4:
		return text(op), "kms:EncryptionContextKeys", list("dept", "Dept", "app", "d*", "*")
	case 5:
		return text(op), "aws:PrincipalTag/dept", list("finance", "it", "fin*", "${kms:EncryptionContext:dept}")
	case 6:
		return pick(g, "ArnLike", "ArnNotLike", "StringLike", "ArnEquals"), "aws:PrincipalArn", list("arn:aws:iam::111122223333:role/*", "arn:aws:iam::*:role/admin", "arn:aws:iam::444455556666:user/bob", "arn:aws:iam::1111*:*/a*")
	case 7:
		return pick(g, "IpAddress", "NotIpAddress", "NotIpAddressIfExists"), pick(g, "aws:SourceIp", "aws:VpcSourceIp"), list("10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24")
	case 8:
		return "Null", pick(g, "kms:ViaService", "aws:SourceVpce", "kms:EncryptionContext:dept", "aws:MultiFactorAuthAge", "kms:EncryptionContextKeys"), []string{pick(g, "true", "false")}
	case 9:
		return pick(g, "NumericLessThan", "NumericGreaterThanEquals", "NumericLessThanIfExists"), "aws:MultiFactorAuthAge", list("300", "3600")
	case 10:
		return pick(g, "Bool", "BoolIfExists"), pick(g, "aws:MultiFactorAuthPresent", "aws:SecureTransport", "kms:GrantIsForAWSResource", "aws:ViaAWSService"), []string{pick(g, "true", "false")}
	case 11:
		return text(op), "kms:GrantOperations", list("Decrypt", "Encrypt", "*crypt", "CreateGrant")
	case 12:
		return text(op), pick(g, "kms:CallerAccount", "aws:PrincipalAccount"), list("111122223333", "444455556666", "1111*")
	case 13:
		return text(op), "aws:PrincipalOrgID", list("o-exampleorg", "o-*")
	case 14:
		return pick(g, "DateLessThan", "DateGreaterThan"), pick(g, "aws:CurrentTime", "aws:TokenIssueTime"), list("2026-06-01T00:00:00Z", "2025-01-01T00:00:00Z")
	case 15:
		return text(op), pick(g, "aws:SourceVpce", "kms:KeySpec", "kms:RequestAlias"), list("vpce-11112222333344445", "vpce-*", "SYMMETRIC_DEFAULT", "RSA_2048", "alias/a", "alias/*")
	default:
		return text(op), pick(g, "kms:EncryptionAlgorithm", "kms:GrantConstraintType", "aws:SourceAccount", "aws:userid"), list("SYMMETRIC_DEFAULT", "RSA*", "EncryptionContextSubset", "111122223333", "AROA*:bob", "*:session")
	}
}

// plain leaves set operators out, which a key policy refuses on some keys.
func (g generator) plain(op string) string { return op + pick(g, "", "", "IfExists") }

func (g generator) statement(k policy.Kind) map[string]any {
	s := map[string]any{"Effect": pick(g, "Allow", "Allow", "Deny"), "Resource": "*"}
	s[pick(g, "Action", "Action", "Action", "NotAction")] = pick(g, []string{"kms:*"}, []string{"kms:Decrypt"}, []string{"kms:Decrypt", "kms:Encrypt"}, []string{"kms:CreateGrant"},
		[]string{"kms:PutKeyPolicy"}, []string{"kms:*crypt*"})
	if k.HasPrincipal() {
		p := pick[any](g, "*", map[string]any{"AWS": "111122223333"}, map[string]any{"AWS": []string{"arn:aws:iam::111122223333:role/admin", "arn:aws:iam::444455556666:user/bob"}},
			map[string]any{"AWS": "arn:aws:iam::444455556666:root"}, map[string]any{"Service": "s3.amazonaws.com"},
			map[string]any{"AWS": "arn:aws:sts::111122223333:assumed-role/admin/bob"})
		s[pick(g, "Principal", "Principal", "Principal", "NotPrincipal")] = p
	}
	g.conditions(s, g.IntN(3), g.condition)
	return s
}

// conditions gives a statement some that are drawn.
func (generator) conditions(s map[string]any, some int, draw func() (op, key string, values []string)) {
	conditions := map[string]map[string][]string{}
	for range some {
		op, key, values := draw()
		if conditions[op] == nil {
			conditions[op] = map[string][]string{}
		}
		conditions[op][key] = values
	}
	if some > 0 {
		s["Condition"] = conditions
	}
}

// document draws a policy; what the language refuses is drawn again.
func (g generator) document(k policy.Kind) *policy.Document {
	for {
		var list []map[string]any
		for range 1 + g.IntN(4) {
			list = append(list, g.statement(k))
		}
		text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": list})
		if err != nil {
			panic(err)
		}
		if d, err := policy.Parse(k, text); err == nil {
			return d
		}
	}
}

var kindsOfUniverse = []policy.Kind{policy.Key, policy.Key, policy.Key, policy.Identity, policy.Boundary, policy.Session, policy.SCP, policy.Endpoint}

func TestTheAnalysisDecidesLikeTheEngine(t *testing.T) {
	asked, allowed := 0, 0
	for seed := range uint64(100) {
		g := generator{rand.New(rand.NewPCG(seed, 1))}
		k := pick(g, kindsOfUniverse...)
		d := g.document(k)
		u, err := OfDocument(Loose{Document: d, Account: "111122223333"}, Config{})
		require.NoError(t, err)
		sp := u.requests()
		for range 40 {
			c := pick(g, u.callers...)
			a, _ := policy.ActionNamed(pick(g, "kms:Decrypt", "kms:Encrypt", "kms:CreateGrant", "kms:PutKeyPolicy", "kms:CreateKey", "kms:DescribeKey"))
			all := u.asking(c, &a)
			if len(all) == 0 {
				continue
			}
			s := pick(g, all...)
			r := &residue{space: sp}
			res := r.of(variant{u: u}, s)
			chosen, ok := r.draw(g)
			if !ok {
				continue
			}
			atoms := r.truths(chosen)
			w := r.witness(s, chosen)
			got, err := u.cfg.Engine.Decide(context.Background(), w.Question)
			require.NoError(t, err)
			if asked++; got.Allowed {
				allowed++
			}
			if !assert.Equal(t, got.Allowed, res.allowed(atoms) == yes, "seed %d: %s\n%s by %s on %s\n%v", seed, d.Text, a.Name, c.ARN+c.Variation, s.on.decided.ARN, w.Question.Context) {
				e, _ := json.Marshal(got.Evidence())
				fmt.Println(string(e))
				return
			}
		}
	}
	t.Logf("%d questions, %d allowed", asked, allowed)
	assert.Greater(t, allowed, asked/10)
}

// draw chooses an option of each dimension.
func (r *residue) draw(g generator) ([]int, bool) {
	for range 20 {
		chosen := make([]int, len(r.dims))
		for i, d := range r.dims {
			chosen[i] = g.IntN(len(d.options))
		}
		s := &solver{residue: r, goal: &goal{}, chosen: chosen}
		if s.consistent() {
			return chosen, true
		}
	}
	return nil, false
}

func (r *residue) truths(chosen []int) []truth {
	s := &solver{residue: r, goal: &goal{}, chosen: chosen}
	atoms := make([]truth, len(r.atoms))
	for i := range atoms {
		atoms[i] = s.truthOf(&r.atoms[i])
	}
	return atoms
}
