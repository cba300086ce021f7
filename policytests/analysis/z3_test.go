package analysis

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/crypto/testtool"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// smt writes what documents say of one caller and action in SMT-LIB: a second
// account of conditions, which shares nothing with the cells but the documents.
type smt struct {
	strings.Builder
	names []string // of the encryption context, lower case
	open  bool     // names themselves matter
}

func (s *smt) writef(format string, args ...any) { _, _ = fmt.Fprintf(s, format, args...) }

// others is how many names of pairs there may be that no policy names.
const others = 2

// declare makes the request: texts, and whether they are there.
func (s *smt) declare() {
	for _, v := range []string{"tag", "via"} {
		s.writef("(declare-const %s String)(declare-const has-%s Bool)\n", v, v)
	}
	s.WriteString("(assert (not (= tag \"\")))\n")
	s.WriteString("(assert (str.in_re via (re.++ (re.+ (re.union (re.range \"a\" \"z\") (re.range \"0\" \"9\") (str.to_re \"-\"))) (str.to_re \".us-east-1.amazonaws.com\"))))\n")
	for i, n := range s.names {
		s.writef("(declare-const v%d String)(declare-const n%d String)(declare-const has-v%d Bool)\n(assert (not (= v%d \"\")))\n", i, i, i, i)
		if !s.open {
			continue
		}
		var cases []string
		for _, r := range n {
			cases = append(cases, fmt.Sprintf("(re.union (str.to_re %q) (str.to_re %q))", string(r), strings.ToUpper(string(r))))
		}
		s.writef("(assert (str.in_re n%d (re.++ %s)))\n", i, strings.Join(cases, " "))
		for k := range others {
			if i == 0 {
				s.writef("(declare-const o%d String)(declare-const has-o%d Bool)(assert (not (= o%d \"\")))\n", k, k, k)
			}
			s.writef("(assert (not (str.in_re o%d (re.++ %s))))\n", k, strings.Join(cases, " "))
		}
	}
	s.WriteString("(declare-const ip (_ BitVec 32))(declare-const has-ip Bool)\n(assert (= has-ip (not has-via)))\n")
	s.WriteString("(declare-const age Int)(declare-const has-age Bool)(assert (and (>= age 0) (<= age 129600)))\n")
}

// statement is whether a statement matches.
func (s *smt) statement(st *policy.Statement) string {
	parts := []string{"true"}
	for i := range st.Conditions {
		parts = append(parts, s.condition(&st.Conditions[i], st.Effect))
	}
	return "(and " + strings.Join(parts, " ") + ")"
}

// allowed is whether a policy for everybody allows.
func (s *smt) allowed(d *policy.Document) string {
	allows, denies := []string{"false"}, []string{"false"}
	for i := range d.Statements {
		if st := &d.Statements[i]; st.Effect == policy.Allow {
			allows = append(allows, s.statement(st))
		} else {
			denies = append(denies, s.statement(st))
		}
	}
	return "(and (or " + strings.Join(allows, " ") + ") (not (or " + strings.Join(denies, " ") + ")))"
}

// condition is whether one condition holds.
func (s *smt) condition(c *policy.Condition, e policy.Effect) string {
	negated := strings.Contains(c.Operator, "Not")
	type member struct{ has, text string }
	var members []member
	switch {
	case c.Key == contextKeys:
		for i := range s.names {
			members = append(members, member{fmt.Sprintf("has-v%d", i), fmt.Sprintf("n%d", i)})
		}
		for k := range others {
			members = append(members, member{fmt.Sprintf("has-o%d", k), fmt.Sprintf("o%d", k)})
		}
	case strings.HasPrefix(c.Key, encryptionContext):
		i := slices.Index(s.names, c.Key[len(encryptionContext):])
		members = []member{{fmt.Sprintf("has-v%d", i), fmt.Sprintf("v%d", i)}}
	default:
		v := map[string]string{"aws:principaltag/dept": "tag", "kms:viaservice": "via", "aws:sourceip": "ip", "aws:multifactorauthage": "age"}[c.Key]
		members = []member{{"has-" + v, v}}
	}
	var present, some, all []string
	for _, m := range members {
		fits := s.fits(c, m.text)
		if negated {
			fits = "(not " + fits + ")"
		}
		present = append(present, m.has)
		some = append(some, "(and "+m.has+" "+fits+")")
		all = append(all, "(=> "+m.has+" "+fits+")")
	}
	there, any, every := "(or "+strings.Join(present, " ")+")", "(or "+strings.Join(some, " ")+")", "(and "+strings.Join(all, " ")+")"
	single := strings.HasPrefix(c.Key, encryptionContext)
	switch {
	case c.Operator == "Null" && strings.EqualFold(c.Values[0].Text, "true"):
		return "(not " + there + ")"
	case c.Operator == "Null":
		return there
	case c.Set == policy.ForAllValues:
		return every
	case c.IfExists && (c.Set == policy.ForAnyValue || !negated):
		return "(or (not " + there + ") " + any + ")"
	case c.Set == policy.ForAnyValue || !negated && !single:
		return any
	case negated && (single && e == policy.Deny):
		return "(or (not " + there + ") " + any + ")"
	case negated:
		return every
	default:
		return any
	}
}

// fits is whether a value matches one of a condition's operands.
func (s *smt) fits(c *policy.Condition, v string) string {
	parts := []string{"false"}
	for _, o := range c.Values {
		switch {
		case c.Operator == "IpAddress" || c.Operator == "NotIpAddress":
			p := netip.MustParsePrefix(o.Text)
			a := p.Addr().As4()
			shift := 32 - p.Bits()
			parts = append(parts, fmt.Sprintf("(= (bvlshr %s (_ bv%d 32)) (bvlshr #x%02x%02x%02x%02x (_ bv%d 32)))", v, shift, a[0], a[1], a[2], a[3], shift))
		case strings.HasPrefix(c.Operator, "Numeric"):
			parts = append(parts, fmt.Sprintf("(%s %s %s)", map[string]string{"NumericLessThan": "<", "NumericGreaterThanEquals": ">="}[c.Operator], v, o.Text))
		case o.HasVariable():
			parts = append(parts, s.variable(o, v))
		default:
			parts = append(parts, "(str.in_re "+v+" "+expression(o)+")")
		}
	}
	return "(or " + strings.Join(parts, " ") + ")"
}

// variable is an operand whose one variable is the caller's tag.
func (s *smt) variable(o policy.Value, v string) string {
	var parts []string
	for _, p := range o.Parts {
		if p.Kind == policy.Variable {
			parts = append(parts, "tag")
		} else {
			parts = append(parts, fmt.Sprintf("%q", p.Text))
		}
	}
	return "(and has-tag (= " + v + " (str.++ \"\" " + strings.Join(parts, " ") + ")))"
}

// expression is an operand as a regular expression.
func expression(o policy.Value) string {
	parts := []string{`(str.to_re "")`, `(str.to_re "")`}
	for _, p := range o.Parts {
		switch p.Kind {
		case policy.AnyText:
			parts = append(parts, "re.all")
		case policy.AnyChar:
			parts = append(parts, "re.allchar")
		default:
			parts = append(parts, fmt.Sprintf("(str.to_re %q)", p.Text))
		}
	}
	return "(re.++ " + strings.Join(parts, " ") + ")"
}

// simple draws a policy for everybody from the conditions that are written in
// SMT-LIB here.
func (g generator) simple() string {
	condition := func() (op, key string, values []string) {
		text := func() string {
			return pick(g, "StringEquals", "StringLike", "StringNotEquals", "StringNotLike") + pick(g, "", "", "IfExists")
		}
		list := func(from ...string) (out []string) {
			for range 1 + g.IntN(2) {
				out = append(out, pick(g, from...))
			}
			return out
		}
		switch g.IntN(9) {
		case 0, 1, 2:
			return text(), "kms:EncryptionContext:" + pick(g, "dept", "app"), list("finance", "fin*", "*nance", "f?n*e", "it", "${aws:PrincipalTag/dept}", "x${aws:PrincipalTag/dept}")
		case 3, 4:
			return pick(g, "ForAnyValue:", "ForAllValues:") + text(), "kms:EncryptionContextKeys", list("dept", "Dept", "d*", "*p*", "app", "A*")
		case 5:
			return text(), "aws:PrincipalTag/dept", list("finance", "it", "fin*", "*e")
		case 6:
			return text(), "kms:ViaService", list("s3.us-east-1.amazonaws.com", "s*.amazonaws.com", "e?2.us-east-1.amazonaws.com", "*")
		case 7:
			return pick(g, "IpAddress", "NotIpAddress", "NotIpAddressIfExists"), "aws:SourceIp", list("10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24", "10.1.2.3/32")
		default:
			return pick(g, "NumericLessThan", "NumericGreaterThanEquals", "NumericLessThanIfExists"), "aws:MultiFactorAuthAge", list("300", "3600")
		}
	}
	var list []string
	for range 2 + g.IntN(3) {
		var conditions []string
		seen := map[string]bool{}
		for range 1 + g.IntN(3) {
			op, key, values := condition()
			if seen[op] {
				continue
			}
			seen[op] = true
			conditions = append(conditions, fmt.Sprintf(`%q:{%q:["%s"]}`, op, key, strings.Join(values, `","`)))
		}
		list = append(list, fmt.Sprintf(`{"Effect":%q,"Principal":"*","Action":"kms:Decrypt","Resource":"*","Condition":{%s}}`, pick(g, "Allow", "Allow", "Deny"), strings.Join(conditions, ",")))
	}
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(list, ",") + `]}`
}

// policiesForZ3: each takes z3 a fifth of a second.
var policiesForZ3 = flag.Uint64("z3", 12, "how many policies z3 is asked about")

// TestAnSMTSolverAgrees asks z3 whether a policy allows what it does not allow
// without one of its statements, and the reverse.
func TestAnSMTSolverAgrees(t *testing.T) {
	testtool.Need(t, "z3")
	var script smt
	var states []State
	var texts []string
	for seed := range *policiesForZ3 {
		g := generator{rand.New(rand.NewPCG(seed, 3))}
		a := parse(t, policy.Key, g.simple())
		b := *a
		i := g.IntN(len(a.Statements))
		b.Statements = slices.Delete(slices.Clone(a.Statements), i, i+1)
		for j := range b.Statements {
			b.Statements[j].Index = j
		}
		pair, err := OfDocuments(Config{}, Loose{Document: a, Account: "111122223333", Region: "us-east-1"}, Loose{Document: &b})
		require.NoError(t, err)
		if a.Statements[i].Effect == policy.Deny {
			slices.Reverse(pair)
		}
		answer, err := Find(t.Context(), Query{Allowed: pair[:1], Refused: pair[1:], Actions: []string{"kms:Decrypt"}, Callers: func(c Caller) bool {
			return c.Name == "user/any-user@111122223333" && c.Variation == withoutPolicies
		}})
		require.NoError(t, err, a.Text)
		states, texts = append(states, answer.State), append(texts, a.Text+" without "+fmt.Sprint(i))
		s := smt{names: []string{"app", "dept"}, open: strings.Contains(a.Text, "EncryptionContextKeys")}
		s.declare()
		s.WriteString("(assert " + s.allowed(pair[0].subject.Document) + ")\n(assert (not " + s.allowed(pair[1].subject.Document) + "))\n(check-sat)\n")
		script.WriteString("(reset)\n(set-option :rlimit 3000000)\n" + s.String())
	}
	z := exec.CommandContext(t.Context(), "z3", "-in", "-smt2")
	z.Stdin = strings.NewReader(script.String())
	var out, complaints bytes.Buffer
	z.Stdout, z.Stderr = &out, &complaints
	err := z.Run()
	answers := strings.Fields(out.String())
	require.NoError(t, err, "%s\n%s", out.String(), complaints.String())
	require.Len(t, answers, len(states), out.String())
	count := map[string]int{}
	for i, said := range answers {
		count[said]++
		switch said {
		case "sat":
			assert.Equal(t, Found, states[i], texts[i])
		case "unsat":
			assert.Equal(t, Proved, states[i], texts[i])
		}
	}
	t.Log(count)
	assert.Greater(t, count["sat"], len(states)/4)
	assert.Greater(t, count["unsat"], len(states)/8)
	assert.Less(t, count["unknown"], len(states)/10)
}
