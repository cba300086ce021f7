package analysis

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// An Access says when a caller may do something. Without Ways it never may;
// unless Unknown says what could not be decided.
type Access struct {
	Caller   Caller
	Action   string
	Resource string
	Ways     []Way
	Unknown  string
}

// A Way is a set of conditions that is enough, and of which none can be left
// out.
type Way struct {
	When    []Term // empty: always
	Witness Witness
}

// String is the terms joined by "and"; "always" without any.
func (w Way) String() string {
	if len(w.When) == 0 {
		return "always"
	}
	texts := make([]string, len(w.When))
	for i, t := range w.When {
		texts[i] = t.String()
	}
	return strings.Join(texts, " and ")
}

// A Term is one condition, or its contrary, on the request.
type Term struct {
	Key      string // as written; empty for a grant and for an endpoint
	Operator string // with qualifier and suffix
	Values   []string
	Holds    bool // else its contrary must be so
	// Policy, Sid, Path and Line say where the condition stands.
	Policy, Sid, Path string
	Line              int
	// Grant is the name of a grant whose constraint the request must fit.
	Grant string
	// Endpoint through which the request must come.
	Endpoint string

	missing, negated bool
}

// maxWays bounds how many ways are told.
const maxWays = 24

// Access lists the ways in which a caller of the universe may do something with
// its key, each confirmed by the engine with a request.
func (u *Universe) Access(ctx context.Context, c Caller, action string) (Access, error) {
	out := Access{Caller: c, Action: action}
	caller := u.byKey[c.key()]
	a, known := policy.ActionNamed(action)
	if caller == nil || !known {
		return out, fmt.Errorf("%s by %s is nothing to ask in this universe", action, c.ARN)
	}
	out.Action = a.Name
	f := &finder{space: u.requests(), allowed: []variant{{u: u}}}
	told := map[string]bool{}
	for _, s := range u.asking(caller, &a) {
		if out.Resource == "" {
			out.Resource = s.on.decided.ARN
		}
		if s.on.decided.ARN != out.Resource {
			continue
		}
		ways, err := f.ways(ctx, s)
		if err != nil {
			return out, err
		}
		for _, w := range ways {
			text := w.String()
			if told[text] {
				continue
			}
			told[text] = true
			if s.by.endpoint != nil && s.u.open == s.by.open {
				w.When = append([]Term{{Endpoint: s.by.endpoint.ID, Holds: true}}, w.When...)
			}
			out.Ways = append(out.Ways, w)
		}
	}
	out.Unknown = strings.Join(f.unsure, "; ")
	return out, nil
}

// ways finds all minimal sets of conditions of one subject.
func (f *finder) ways(ctx context.Context, s *subject) ([]Way, error) {
	var all []Way
	r := &residue{space: f.space}
	g := f.goal(r, s)
	if g == nil {
		f.doubt(r, true)
		f.others(s, r, nil)
		return nil, nil
	}
	for len(all) < maxWays {
		if err := ctx.Err(); err != nil {
			return all, err
		}
		chosen, found, sure, _ := r.solve(g, defaultSteps)
		if !found {
			f.doubt(r, sure)
			f.others(s, r, g.avoid)
			return all, nil
		}
		w, err := f.confirm(ctx, r, s, chosen)
		if err != nil {
			return all, err
		}
		set := r.needed(g, chosen)
		way := Way{Witness: *w}
		for _, l := range set {
			way.When = append(way.When, r.term(l))
		}
		all = append(all, way)
		if len(set) == 0 {
			return all, nil
		}
		g.avoid = append(g.avoid, set)
	}
	f.unsure = append(f.unsure, fmt.Sprintf("more than %d ways", maxWays))
	return all, nil
}

// needed are the atoms without which what was chosen would not be enough.
func (r *residue) needed(g *goal, chosen []int) []literalAtom {
	s := &solver{residue: r, goal: &goal{allowed: g.allowed, refused: g.refused, matching: g.matching}, chosen: chosen}
	s.atoms = make([]truth, len(r.atoms))
	for i := range r.atoms {
		s.atoms[i] = s.truthOf(&r.atoms[i])
	}
	var set []literalAtom
	for _, wanted := range []truth{no, yes} { // what must not be is dropped first
		for i := range s.atoms {
			is := s.atoms[i]
			if is != wanted {
				continue
			}
			if s.atoms[i] = maybe; s.goal.reached(s.atoms) != yes {
				s.atoms[i] = is
			}
		}
	}
	for i, is := range s.atoms {
		if is != maybe {
			set = append(set, literalAtom{i, is})
		}
	}
	return set
}

// term is an atom in words.
func (r *residue) term(l literalAtom) Term {
	a := &r.atoms[l.atom]
	if a.grant != nil {
		name := a.subject.on.names[a.grant.ID]
		if name == "" {
			name = a.grant.ID
		}
		return Term{Grant: name, Holds: l.is == yes}
	}
	c := a.condition
	t := Term{Holds: l.is == yes, Policy: c.of.doc.policy.Name, Sid: c.of.source.Sid, missing: c.missing, negated: c.op.Negated}
	if c.source == nil {
		t.Key, t.Operator, t.Path, t.Line = "the resource", c.op.Name, c.of.source.Pos.Path, c.of.source.Pos.Line
	} else {
		t.Key, t.Operator, t.Path, t.Line = c.source.KeyText, c.source.OperatorText(), c.source.Pos.Path, c.source.Pos.Line
	}
	for _, o := range c.operands {
		t.Values = append(t.Values, o.value.Text)
	}
	return t
}

// verbs say how an operator compares, and how it does not.
var verbs = map[string][2]string{
	"StringEquals": {"is", "is not"}, "StringEqualsIgnoreCase": {"is, in any case,", "is not, in any case,"}, "StringLike": {"is like", "is not like"},
	"NumericEquals": {"is", "is not"}, "NumericLessThan": {"is less than", "is not less than"},
	"NumericLessThanEquals": {"is at most", "is not at most"}, "NumericGreaterThan": {"is more than", "is not more than"},
	"NumericGreaterThanEquals": {"is at least", "is not at least"}, "DateEquals": {"is", "is not"}, "DateLessThan": {"is before", "is not before"},
	"DateLessThanEquals": {"is at or before", "is not at or before"}, "DateGreaterThan": {"is after", "is not after"},
	"DateGreaterThanEquals": {"is at or after", "is not at or after"}, "Bool": {"is", "is not"}, "BinaryEquals": {"is", "is not"},
	"IpAddress": {"is in", "is not in"}, "ArnEquals": {"is like", "is not like"}, "ArnLike": {"is like", "is not like"},
}

// String says the term in words.
func (t Term) String() string {
	switch {
	case t.Grant != "" && t.Holds:
		return "the request fits the constraint of grant " + t.Grant
	case t.Grant != "":
		return "the request does not fit the constraint of grant " + t.Grant
	case t.Endpoint != "":
		return "the request comes through " + t.Endpoint
	case strings.HasSuffix(t.Operator, "Null"):
		if strings.EqualFold(t.Values[0], "true") == t.Holds {
			return t.Key + " is absent"
		}
		return t.Key + " is there"
	}
	return t.subject() + " " + t.comparison()
}

func (t Term) subject() string {
	switch {
	case strings.HasPrefix(t.Operator, "ForAllValues:"):
		return "each of " + t.Key
	case strings.HasPrefix(t.Operator, "ForAnyValue:"):
		return "one of " + t.Key
	default:
		return t.Key
	}
}

func (t Term) comparison() string {
	_, name, qualified := strings.Cut(t.Operator, ":")
	if !qualified {
		name = t.Operator
	}
	name = strings.TrimSuffix(name, "IfExists")
	positive := strings.Replace(name, "Not", "", 1)
	verb, known := verbs[positive]
	if !known {
		verb = [2]string{positive, "not " + positive}
	}
	values := slices.Clone(t.Values)
	text := verb[0] + " " + strings.Join(values, " or ")
	if t.negated == t.Holds {
		text = verb[1] + " " + strings.Join(values, " or ")
	}
	switch {
	case t.Holds && t.missing && !t.negated:
		text += ", or absent"
	case !t.Holds && t.missing && !t.negated:
		text = "is there and " + strings.TrimPrefix(text, "is ")
	}
	return text
}
