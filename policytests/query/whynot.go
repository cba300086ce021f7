package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests/caseline"
)

// A Remedy says what would allow a refused request. Its JSON is stable.
type Remedy struct {
	Version int `json:"version"`
	// Explanation of the decision as it is.
	Explanation Explanation `json:"explanation"`
	// Hard are explicit denies, in guardrails too: no Allow overrides them.
	Hard []Statement `json:"hard,omitempty"`
	// Proposals are the smallest changes that would allow, all of as many
	// edits; each was applied, and the engine asked again. The best comes first.
	// None for an allowed request.
	Proposals []Proposal `json:"proposals"`
	// Why there is no proposal.
	Why string `json:"why,omitempty"`
}

// A Proposal is one way to have the request allowed.
type Proposal struct {
	Words   string `json:"words"`
	Edits   []Edit `json:"edits"`
	Request string `json:"request"` // the case line that is then allowed
}

// An Op is a kind of edit.
type Op string

// The kinds of edits, from the narrowest to the widest.
const (
	OpRequest       Op = "request"       // the caller asks otherwise
	OpTag           Op = "tag"           // a tag or alias of a principal or key
	OpAction        Op = "add-action"    // to a statement
	OpPrincipal     Op = "add-principal" // to a statement
	OpResource      Op = "add-resource"  // to a statement
	OpValue         Op = "add-value"     // to a condition
	OpGrant         Op = "add-grant"     // to the key
	OpStatement     Op = "add-statement" // to a policy, or in a policy of its own
	OpExcept        Op = "except"        // the caller from a Deny
	OpDropCondition Op = "drop-condition"
	OpDropStatement Op = "drop-statement"
)

// An Edit is one change. Layer and what follows are empty for one of the
// request.
type Edit struct {
	Op    Op     `json:"op"`
	Words string `json:"words"`
	// Note says what else the edit would do.
	Note string `json:"note,omitempty"`
	// Clause to add to the request, as case lines have it, or instead of which
	// one; OpRequest only.
	Clause string `json:"clause,omitempty"`

	Layer  decision.Layer `json:"layer,omitempty"`
	Level  int            `json:"level,omitempty"`
	Policy string         `json:"policy,omitempty"` // name; of a policy that does not exist yet, what to call it
	ARN    string         `json:"arn,omitempty"`
	File   string         `json:"file,omitempty"`
	Line   int            `json:"line,omitempty"`
	Path   string         `json:"path,omitempty"` // JSON path of the statement
	// Patch is the change as a JSON Patch (RFC 6902) of the policy; Value is
	// the statement, or grant, as it then is.
	Patch json.RawMessage `json:"patch,omitempty"`
	Value json.RawMessage `json:"value,omitempty"`
}

// most bounds how many proposals are given.
const most = 6

// WhyNot explains a refusal, and looks for the smallest changes after which the
// engine would allow the request.
func WhyNot(ctx context.Context, b *Base, r caseline.Request) (Remedy, error) {
	q, err := b.Question(r)
	if err != nil {
		return Remedy{}, err
	}
	d, err := b.Decide(ctx, q)
	if err != nil {
		return Remedy{}, err
	}
	out := Remedy{Version: Version, Explanation: b.Tell(d), Proposals: []Proposal{}}
	out.Explanation.Request = Line(r)
	if d.Allowed {
		return out, nil
	}
	out.Hard = hard(out.Explanation)
	s := &search{b: b, request: r, resource: b.resourceName(&q), left: maxDecisions}
	found, err := s.run(ctx, &state{request: r, q: q, d: d})
	if err != nil && !errors.Is(err, errSpent) {
		return Remedy{}, err
	}
	for _, st := range distinct(found) {
		out.Proposals = append(out.Proposals, st.proposal())
	}
	if len(out.Proposals) == 0 {
		out.Why = s.hopeless(&q, out.Explanation, err)
	}
	return out, nil
}

// hard lists the Deny statements that matched, in all layers.
func hard(x Explanation) []Statement {
	var all []Statement
	for _, l := range x.Layers {
		for _, s := range l.Statements {
			if s.Effect == "Deny" && l.Result == Denies {
				all = append(all, s)
			}
		}
	}
	return all
}

// distinct keeps the best of the states whose edits are of the same kinds in the
// same layers, up to most.
func distinct(found []*state) []*state {
	var kept []*state
	seen := map[string]int{}
	for _, st := range found {
		var kinds []string
		for _, c := range st.changes {
			kinds = append(kinds, string(c.Op)+" "+string(c.Layer))
		}
		slices.Sort(kinds)
		kind := strings.Join(kinds, ",")
		same := slices.ContainsFunc(kept, func(k *state) bool { return k.proposal().Words == st.proposal().Words })
		if seen[kind]++; seen[kind] <= max(1, sameKind/len(st.changes)) && !same && len(kept) < most {
			kept = append(kept, st)
		}
	}
	return kept
}

// sameKind is how many proposals of the same kinds of edits are given.
const sameKind = 2

func (st *state) proposal() Proposal {
	p := Proposal{Request: Line(st.request)}
	var words []string
	for _, c := range st.changes {
		p.Edits = append(p.Edits, c.Edit)
		words = append(words, c.Words)
	}
	p.Words = strings.Join(words, "; and ")
	return p
}

// hopeless says why there is no proposal.
func (s *search) hopeless(q *decision.Question, x Explanation, err error) string {
	switch {
	case errors.Is(err, errSpent):
		return fmt.Sprintf("There are too many statements to try: after %d requests no change was found that allows.", maxDecisions)
	case x.Evidence.Layer == decision.LayerGuardrail:
		return "A guardrail is the organization's own Rego: no policy and no grant overrides it, and nothing in a policy can be changed to that end."
	case x.Rule == RuleNeverAcross:
		return fmt.Sprintf("No policy can allow it: %s works in the key's own account only. Assume a role of account %s that may do it.", q.Action, s.b.accountName(q.Resource.Account))
	case x.Rule == RuleNoKey:
		return "There is no such key, so nothing can allow its use."
	case q.Resource.AWSManaged:
		return "The key is an AWS managed key: nobody can change its policy, nor make grants on it."
	}
	return fmt.Sprintf("No change of up to %d edits was found that allows it.", maxEdits)
}
