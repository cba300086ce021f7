package analysis

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// classes sorts the actions of the service by what policies make of them: those
// of one class are decided alike for every caller, key and request.
func (sp *space) classes() [][]*policy.Action {
	if sp.kinds != nil {
		return sp.kinds
	}
	byMark := map[string]int{}
	for i := range policy.Actions {
		a := &policy.Actions[i]
		if !sp.looksAt(a) {
			continue
		}
		mark := sp.mark(a)
		n, known := byMark[mark]
		if !known {
			n = len(sp.kinds)
			byMark[mark] = n
			sp.kinds = append(sp.kinds, nil)
		}
		sp.kinds[n] = append(sp.kinds[n], a)
	}
	return sp.kinds
}

// special are actions of which the analysis, or a grant, knows more than the
// table.
var special = []string{"kms:CreateKey", "kms:CreateGrant", "kms:DescribeKey", assumeBySAML, assumeByWeb}

// mark is all that policies tell of an action.
func (sp *space) mark(a *policy.Action) string {
	b := []byte{bit(a.CrossAccount), bit(a.On(policy.KeyResource)), bit(a.On(policy.AliasResource)), bit(strings.HasPrefix(a.Name, "kms:GenerateDataKey"))}
	if slices.Contains(special, a.Name) {
		b = append(b, a.Name...)
	}
	for _, key := range sortedKeys(sp.conditions) {
		i := sp.info(key)
		b = append(b, bit(i.row.Name == "" || i.row.Global || slices.Contains(a.ConditionKeys, i.row.Name)))
	}
	for _, key := range sortedKeys(sp.variables) {
		b = append(b, bit(slices.Contains(a.ConditionKeys, sp.info(key).row.Name)))
	}
	number := actionIndex[a.Name]
	for _, u := range sp.universes {
		for _, d := range u.all() {
			for _, s := range d.statements {
				b = append(b, bit(s.actions[number]))
			}
		}
		for _, r := range u.resources {
			for _, g := range r.grants {
				b = append(b, bit(slices.Contains(g.Operations, strings.TrimPrefix(a.Name, "kms:"))))
			}
		}
		if u.open {
			continue
		}
		services := u.world.Services()
		for i := range services {
			for _, m := range services[i].ActsFor {
				for _, account := range m.Accounts {
					for _, region := range m.Regions {
						b = append(b, bit(services[i].May(account, region, a.Name)))
					}
				}
			}
		}
	}
	return string(b)
}

func bit(b bool) byte {
	if b {
		return 'y'
	}
	return 'n'
}

// signature tells searches apart that are not the same.
func signature(r *residue, g *goal) string {
	var b []byte
	for _, d := range r.dims {
		b = binary.AppendUvarint(b, d.id)
	}
	for i := range r.atoms {
		a := &r.atoms[i]
		b = appendInts(b, a.on)
		if a.table != nil {
			for _, t := range a.table {
				b = append(b, byte(t))
			}
			continue
		}
		b = append(b, a.subject.caller.key()...)
		b = append(b, a.subject.action.Name...)
		if b = append(b, a.subject.on.decided.ARN...); a.condition != nil {
			b = binary.AppendUvarint(b, a.condition.id)
		} else {
			b = append(b, a.grant.ID...)
		}
	}
	for _, residuals := range [][]*residual{g.allowed, g.refused} {
		b = append(b, '|')
		for _, x := range residuals {
			b = x.sign(b)
		}
	}
	for _, c := range g.matching {
		b = append(b, '+')
		b = appendInts(b, c.atoms)
	}
	for _, c := range g.missing {
		b = append(b, '-')
		b = appendInts(b, c.atoms)
	}
	return string(b)
}

// sign adds what tells residuals apart.
func (r *residual) sign(b []byte) []byte {
	t := r.subject
	if t.caller.provider != "" {
		b = append(b, t.caller.provider...)
	}
	b = append(b, '(', bit(r.foreign()), bit(t.action.CrossAccount), bit(r.exemptSCP()), byte(t.rule()))
	b = append(b, t.caller.Type...)
	for i := range r.clauses {
		c := &r.clauses[i]
		b = append(b, ';', byte(c.effect()), byte(c.via), byte(c.level))
		b = append(b, c.layer...)
		b = appendInts(b, c.atoms)
	}
	for _, g := range r.grants {
		b = append(b, ';', 'g', byte(g.via))
		b = appendInts(b, g.atoms)
	}
	for _, l := range []decision.Layer{decision.LayerSCP, decision.LayerEndpoint, decision.LayerBoundary, decision.LayerSession} {
		n, attached := r.levels[l]
		b = append(b, bit(attached), byte(n))
	}
	return append(b, ')')
}

func appendInts(b []byte, all []int) []byte {
	b = binary.AppendUvarint(b, uint64(len(all)))
	for _, n := range all {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return b
}
