package differential

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A census counts what occurred in the questions that were compared.
type census struct {
	pairs, allowed int
	detailed       int // pairs whose features were counted
	features       map[string]int
}

func newCensus() census { return census{features: map[string]int{}} }

func (c *census) add(o census) {
	if c.features == nil {
		c.features = map[string]int{}
	}
	c.pairs += o.pairs
	c.allowed += o.allowed
	c.detailed += o.detailed
	for f, n := range o.features {
		c.features[f] += n
	}
}

// count counts one pair; its features only if detailed.
func (c *census) count(q *Case, v verdict, detailed bool) {
	c.pairs++
	if v.Allowed {
		c.allowed++
	}
	if !detailed {
		return
	}
	c.detailed++
	c.see("rule", q.Rule)
	c.see("caller", q.Rule, string(q.Principal.Type))
	c.see("outcome", string(v.Reason), string(v.Layer))
	if q.Principal.Account != "" && q.Principal.Account != q.Resource.Account {
		c.see("cross-account", q.Rule, fmt.Sprint(v.Allowed))
	}
	c.see("action", q.Action)
	c.requestFeatures(q)
	statements := map[string]*policy.Statement{}
	q.attached(func(l decision.Layer, p *Policy) {
		c.policyFeatures(q, l, p)
		for i := range p.parsed.Statements {
			statements[fmt.Sprintf("%s #%d", p.Name, i)] = &p.parsed.Statements[i]
		}
	})
	for _, m := range v.Matches {
		fields := strings.SplitN(m, " ", 6)
		c.see("matched", fields[0], fields[4])
		if s := statements[fields[2]+" "+fields[3]]; s.NotPrincipal {
			c.see("NotPrincipal matched", fields[4], fmt.Sprintf("boundary=%t", q.Boundary != nil))
		}
		for _, via := range strings.Fields(strings.Trim(fields[5], "[]")) {
			c.see("via", fields[4], via)
		}
	}
}

func (c *census) see(parts ...string) { c.features[strings.Join(parts, " ")]++ }

func (c *census) requestFeatures(q *Case) {
	for name, list := range q.Context {
		k, ok := policy.ConditionKeyNamed(name)
		if !ok {
			continue
		}
		c.see("held", k.Name)
		switch {
		case k.Many && len(list) > 1:
			c.see("values many")
		case len(list) > 1:
			c.see("values colliding")
		}
	}
	for _, g := range q.Grants {
		c.see("grant", string(g.Grantee.Via))
		if g.Equals != nil {
			c.see("grant equals")
		}
		if g.Subset != nil {
			c.see("grant subset")
		}
	}
	if q.Child != nil && len(q.Grants) > 0 {
		c.see("grant child")
	}
	for name, there := range map[string]bool{"session empty": q.Session != nil && len(q.Session) == 0, "session": len(q.Session) > 0,
		"boundary": q.Boundary != nil, "endpoint": q.Endpoint != nil, "scp levels": len(q.SCP) > 1, "rcp levels": len(q.RCP) > 1,
		"no resource": q.Resourced == nil && q.Rule == "key_policy"} {
		if there {
			c.see("attached", name)
		}
	}
}

func (c *census) policyFeatures(q *Case, l decision.Layer, p *Policy) {
	c.see("policy", string(l), p.Kind)
	c.see("version", p.parsed.Version, p.Kind)
	for i := range p.parsed.Statements {
		s := &p.parsed.Statements[i]
		for name, there := range map[string]bool{"NotPrincipal": s.NotPrincipal, "NotAction": s.NotAction, "NotResource": s.NotResource} {
			if there {
				c.see("element", name, s.Effect.String())
			}
		}
		for _, pr := range s.Principals {
			c.see("principal", pr.Type.String())
		}
		for _, v := range s.Resources {
			c.variableFeatures(q, v, "Resource")
		}
		for _, cond := range s.Conditions {
			c.conditionFeatures(q, cond)
		}
	}
}

func (c *census) variableFeatures(q *Case, v policy.Value, place string) {
	for _, part := range v.Parts {
		if part.Kind == policy.Variable {
			_, present := q.Context[part.Text]
			c.see("variable", place, fmt.Sprintf("present=%t default=%t", present, part.HasDefault))
		}
	}
}

func (c *census) conditionFeatures(q *Case, cond policy.Condition) {
	list := q.Context[cond.Key]
	state := "present"
	if len(list) == 0 {
		state = "absent"
	}
	c.see("operator", cond.OperatorText(), state)
	if k, ok := policy.ConditionKeyNamed(cond.Key); ok {
		c.see("asked", k.Name)
		if len(list) > 1 && !k.Many {
			c.see("collision", cond.Set.String())
		}
	}
	for _, v := range list {
		if !acceptableValue(cond.Operator, v) {
			c.see("wrong type", cond.Operator)
		}
	}
	for _, v := range cond.Values {
		c.variableFeatures(q, v, "Condition")
	}
}

// acceptableValue tells whether a value of a request is of an operator's type.
func acceptableValue(operator, v string) bool {
	o, _ := policy.OperatorNamed(operator)
	switch o.Type {
	case policy.NumericType:
		_, ok := policy.Number(v)
		return ok
	case policy.DateType:
		_, ok := policy.Date(v)
		return ok
	case policy.BoolType:
		_, ok := policy.Truth(v)
		return ok
	case policy.IPType:
		_, ok := policy.Network(v)
		return ok
	case policy.ARNType:
		return strings.HasPrefix(v, "arn:") && strings.Count(v, ":") >= 5
	default:
		return true
	}
}

// required lists what must occur in each run.
func required() []string {
	var all []string
	for _, o := range policy.Operators {
		for _, set := range []policy.SetQualifier{policy.NoQualifier, policy.ForAnyValue, policy.ForAllValues} {
			for _, ifExists := range []bool{false, true} {
				if ifExists && o.Type == policy.PresenceType {
					continue
				}
				text := policy.Condition{Set: set, Operator: o.Name, IfExists: ifExists}.OperatorText()
				all = append(all, "operator "+text+" present", "operator "+text+" absent")
			}
		}
		switch o.Type {
		case policy.NumericType, policy.DateType, policy.BoolType, policy.IPType, policy.ARNType:
			all = append(all, "wrong type "+o.Name)
		}
	}
	for _, k := range policy.ConditionKeys {
		all = append(all, "held "+k.Name, "asked "+k.Name)
	}
	for _, r := range []string{"key_policy", "identity_only", "grant", "trust"} {
		for _, t := range []decision.PrincipalType{decision.Root, decision.User, decision.Role, decision.Federated, decision.WebIdentity,
			decision.Service, decision.ServiceLinkedRole} {
			all = append(all, "caller "+r+" "+string(t))
		}
		all = append(all, "cross-account "+r+" false")
	}
	for _, a := range policy.Actions {
		if strings.HasPrefix(a.Name, "kms:") {
			all = append(all, "action "+a.Name)
		}
	}
	return append(all, requiredForms()...)
}

func requiredForms() []string {
	all := []string{"cross-account key_policy true", "cross-account trust true", "cross-account grant true", "values many", "values colliding",
		"collision ", "collision ForAnyValue", "collision ForAllValues", "grant equals", "grant subset", "grant child",
		"attached session empty", "attached session", "attached boundary", "attached endpoint", "attached scp levels", "attached rcp levels",
		"attached no resource", "outcome cross-account resource"}
	for _, l := range []decision.Layer{decision.LayerSCP, decision.LayerRCP, decision.LayerEndpoint, decision.LayerBoundary, decision.LayerSession,
		decision.LayerIdentity, decision.LayerResource} {
		all = append(all, "outcome explicit-deny "+string(l), "matched "+string(l)+" Deny", "matched "+string(l)+" Allow")
		if l != decision.LayerRCP {
			all = append(all, "outcome no-allow "+string(l))
		}
	}
	for _, l := range []decision.Layer{decision.LayerResource, decision.LayerIdentity, decision.LayerGrant, decision.LayerRoot} {
		all = append(all, "outcome allow "+string(l))
	}
	for _, effect := range []string{"Allow", "Deny"} {
		for _, e := range []string{"NotPrincipal", "NotAction", "NotResource"} {
			all = append(all, "element "+e+" "+effect)
		}
		all = append(all, "NotPrincipal matched "+effect+" boundary=true", "NotPrincipal matched "+effect+" boundary=false")
		for _, v := range []decision.Via{decision.ViaEveryone, decision.ViaAccount, decision.ViaUser, decision.ViaRole, decision.ViaSession,
			decision.ViaService, decision.ViaProvider, decision.ViaPolicy} {
			all = append(all, "via "+effect+" "+string(v))
		}
	}
	for t := policy.Everyone; t <= policy.CanonicalUser; t++ {
		all = append(all, "principal "+t.String())
	}
	for _, v := range []decision.Via{decision.ViaAccount, decision.ViaUser, decision.ViaRole, decision.ViaSession, decision.ViaService} {
		all = append(all, "grant "+string(v))
	}
	for _, place := range []string{"Resource", "Condition"} {
		for _, state := range []string{"present=true default=true", "present=true default=false", "present=false default=true", "present=false default=false"} {
			all = append(all, "variable "+place+" "+state)
		}
	}
	for k := policy.Key; k <= policy.Trust; k++ {
		all = append(all, "version "+policy.Version2012+" "+k.String())
		if k != policy.SCP && k != policy.RCP {
			all = append(all, "version "+policy.Version2008+" "+k.String())
		}
	}
	return all
}

// check fails if something did not occur, or if not about half was allowed.
func (c *census) check(t *testing.T) {
	t.Helper()
	share := float64(c.allowed) / float64(c.pairs)
	assert.InDelta(t, 0.5, share, 0.1, "share of allowed requests")
	for _, f := range required() {
		assert.NotZero(t, c.features[f], "%q does not occur", f)
	}
}

// summary tells how much was allowed and what was rarest.
func (c *census) summary() string {
	all := required()
	slices.SortStableFunc(all, func(a, b string) int { return c.features[a] - c.features[b] })
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d allowed; features counted in %d pairs; the rarest of %d:", c.allowed, c.pairs, c.detailed, len(all))
	for _, f := range all[:10] {
		fmt.Fprintf(&b, "\n  %6d %s", c.features[f], f)
	}
	b.WriteString("\noutcomes:")
	for _, f := range slices.Sorted(maps.Keys(c.features)) {
		if strings.HasPrefix(f, "outcome ") {
			fmt.Fprintf(&b, "\n  %6d %s", c.features[f], f)
		}
	}
	return b.String()
}
