package policytests_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// values are what a key can hold in these tests, by the type of the operator:
// the last of them is not of that type, where there is such a thing.
var values = map[policy.ValueType][]string{
	policy.StringType:  {"alpha", "Alpha", "beta"},
	policy.NumericType: {"9", "10", "10.0", "11", "ten"},
	policy.DateType:    {"2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "1767312000", "2026-01-03T00:00:00Z", "soon"},
	policy.BoolType:    {"true", "false", "maybe"},
	policy.IPType:      {"10.1.2.3", "192.0.2.1", "somewhere"},
	policy.ARNType:     {"arn:aws:iam::111122223333:role/ab", "arn:aws:iam::111122223333:role/b", "role/ab"},
}

// holds says of which of these values an operator holds, each with one operand
// . Of a value that is not of the type no positive operator holds, and
// each negated one does.
var holds = map[string]struct {
	operand string
	of      []string
}{
	"StringEquals":              {"alpha", []string{"alpha"}},
	"StringNotEquals":           {"alpha", []string{"Alpha", "beta"}},
	"StringEqualsIgnoreCase":    {"ALPHA", []string{"alpha", "Alpha"}},
	"StringNotEqualsIgnoreCase": {"ALPHA", []string{"beta"}},
	"StringLike":                {"al*", []string{"alpha"}},
	"StringNotLike":             {"al*", []string{"Alpha", "beta"}},
	"NumericEquals":             {"10", []string{"10", "10.0"}},
	"NumericNotEquals":          {"10", []string{"9", "11", "ten"}},
	"NumericLessThan":           {"10", []string{"9"}},
	"NumericLessThanEquals":     {"10", []string{"9", "10", "10.0"}},
	"NumericGreaterThan":        {"10", []string{"11"}},
	"NumericGreaterThanEquals":  {"10", []string{"10", "10.0", "11"}},
	"DateEquals":                {"2026-01-02T00:00:00Z", []string{"2026-01-02T00:00:00Z", "1767312000"}},
	"DateNotEquals":             {"2026-01-02T00:00:00Z", []string{"2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z", "soon"}},
	"DateLessThan":              {"2026-01-02T00:00:00Z", []string{"2026-01-01T00:00:00Z"}},
	"DateLessThanEquals":        {"2026-01-02T00:00:00Z", []string{"2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "1767312000"}},
	"DateGreaterThan":           {"2026-01-02T00:00:00Z", []string{"2026-01-03T00:00:00Z"}},
	"DateGreaterThanEquals":     {"2026-01-02T00:00:00Z", []string{"2026-01-02T00:00:00Z", "1767312000", "2026-01-03T00:00:00Z"}},
	"Bool":                      {"true", []string{"true"}},
	"IpAddress":                 {"10.0.0.0/8", []string{"10.1.2.3"}},
	"NotIpAddress":              {"10.0.0.0/8", []string{"192.0.2.1", "somewhere"}},
	"ArnEquals":                 {"arn:aws:iam::*:role/a*", []string{"arn:aws:iam::111122223333:role/ab"}},
	"ArnNotEquals":              {"arn:aws:iam::*:role/a*", []string{"arn:aws:iam::111122223333:role/b", "role/ab"}},
	"ArnLike":                   {"arn:aws:iam::*:role/a*", []string{"arn:aws:iam::111122223333:role/ab"}},
	"ArnNotLike":                {"arn:aws:iam::*:role/a*", []string{"arn:aws:iam::111122223333:role/b", "role/ab"}},
}

// A form is an operator with a qualifier and a suffix: what it makes of the
// values of a key, and of its absence.
type form struct {
	pattern string
	absent  func(negated bool) bool
	present func(negated bool, each []bool) bool
}

func always(bool) bool { return true }
func never(bool) bool  { return false }

func anyHolds(_ bool, each []bool) bool { return slices.Contains(each, true) }
func allHold(_ bool, each []bool) bool  { return !slices.Contains(each, false) }

// plainly is an operator without qualifier: any value matches, or for a negated
// operator none.
func plainly(negated bool, each []bool) bool {
	if negated {
		return allHold(negated, each)
	}
	return anyHolds(negated, each)
}

var forms = []form{
	{"%s", func(negated bool) bool { return negated }, plainly},
	{"%sIfExists", always, plainly},
	{"ForAnyValue:%s", never, anyHolds},
	{"ForAllValues:%s", always, allHold},
	{"ForAnyValue:%sIfExists", always, anyHolds},
	{"ForAllValues:%sIfExists", always, allHold},
}

// A trial is one operator on one key, in a statement of its own.
type trial struct {
	sid, operator, operand string
	expect                 func(values []string) bool
	kind                   policy.ValueType
}

// trials are those of a key: each operator that fits it, in each form.
func trials(t *testing.T, k policy.ConditionKey) []trial {
	t.Helper()
	var all []trial
	add := func(tr trial) {
		tr.sid = fmt.Sprintf("s%d", len(all))
		all = append(all, tr)
	}
	for _, op := range policy.Operators {
		if !k.Fits(op.Type) {
			continue
		}
		if op.Name == "Null" {
			add(trial{operator: "Null", operand: "true", expect: func(v []string) bool { return len(v) == 0 }})
			add(trial{operator: "Null", operand: "false", expect: func(v []string) bool { return len(v) > 0 }})
			continue
		}
		row, known := holds[op.Name]
		require.True(t, known, "no expectation for %s", op.Name)
		for _, f := range forms {
			if strings.HasPrefix(f.pattern, "ForAllValues") && overlyPermissive(k) {
				continue
			}
			add(trial{operator: fmt.Sprintf(f.pattern, op.Name), operand: row.operand, kind: op.Type, expect: func(v []string) bool {
				if len(v) == 0 {
					return f.absent(op.Negated)
				}
				each := make([]bool, len(v))
				for i := range v {
					each[i] = slices.Contains(row.of, v[i])
				}
				return f.present(op.Negated, each)
			}})
		}
	}
	return all
}

// overlyPermissive tells of which keys the service refuses ForAllValues.
func overlyPermissive(k policy.ConditionKey) bool {
	return k.Name == "kms:EncryptionContext:" || k.Name == "aws:RequestTag/"
}

// states are what a key can hold: nothing, each value, and two values where it
// can hold many.
func states(k policy.ConditionKey, kind policy.ValueType) [][]string {
	all := [][]string{nil}
	if k.Absent {
		return all
	}
	candidates := values[kind]
	for i, v := range candidates {
		all = append(all, []string{v})
		if k.Many {
			all = append(all, []string{v, candidates[(i+1)%len(candidates)]})
		}
	}
	return all
}

func TestEachConditionKeyUnderEachOperatorThatFits(t *testing.T) {
	engine, err := decision.New(decision.Config{Limit: decision.PatientLimit})
	require.NoError(t, err)
	asked := 0
	var wrong []string
	for _, k := range policy.ConditionKeys {
		name := k.Name
		if k.Prefix() {
			name += "x"
		}
		all := trials(t, k)
		policies := conditionPolicies(t, name, all)
		for _, kind := range kindsOf(all) {
			for _, held := range states(k, kind) {
				matched := matching(t, engine, policies, name, held)
				for _, tr := range all {
					if tr.kind == kind || tr.kind == 0 {
						asked++
						if want := tr.expect(held); want != matched[tr.sid] {
							wrong = append(wrong, fmt.Sprintf("%s %q on %s holding %q: %t", tr.operator, tr.operand, name, held, !want))
						}
					}
				}
			}
		}
	}
	assert.Empty(t, wrong[:min(len(wrong), 20)], "%d of %d conditions came out otherwise; the first of them", len(wrong), asked)
}

func kindsOf(all []trial) []policy.ValueType {
	var kinds []policy.ValueType
	for _, tr := range all {
		if tr.kind != 0 && !slices.Contains(kinds, tr.kind) {
			kinds = append(kinds, tr.kind)
		}
	}
	return kinds
}

// conditionPolicies are IAM policies with a statement for each trial, as many in
// each as evidence tells of.
func conditionPolicies(t *testing.T, key string, all []trial) []decision.Policy {
	t.Helper()
	var policies []decision.Policy
	for chunk := range slices.Chunk(all, 20) {
		var statements []any
		for _, tr := range chunk {
			statements = append(statements, map[string]any{
				"Sid": tr.sid, "Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*",
				"Condition": map[string]any{tr.operator: map[string]any{key: tr.operand}},
			})
		}
		text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
		require.NoError(t, err)
		doc, err := policy.Parse(policy.Identity, text)
		require.NoError(t, err, key)
		policies = append(policies, decision.Policy{Name: "trials", Document: doc})
	}
	return policies
}

// matching are the Sids of the statements whose condition holds.
func matching(t *testing.T, e *decision.Engine, policies []decision.Policy, key string, held []string) map[string]bool {
	t.Helper()
	q := decision.Question{
		Rule: decision.IdentityOnly, Action: "kms:ListKeys",
		Resource:  decision.Resource{ARN: "*", Account: "111122223333"},
		Principal: decision.Principal{Type: decision.User, Account: "111122223333", User: "AIDA", ARN: "arn:aws:iam::111122223333:user/u"},
		Context:   map[string][]string{},
	}
	if len(held) > 0 {
		q.Context[strings.ToLower(key)] = held
	}
	matched := map[string]bool{}
	for i := range policies {
		q.Identity = policies[i : i+1]
		d, err := e.Decide(context.Background(), q)
		require.NoError(t, err)
		for _, l := range d.Evidence().Layers {
			for _, s := range l.Statements {
				matched[s.Sid] = true
			}
		}
	}
	return matched
}
