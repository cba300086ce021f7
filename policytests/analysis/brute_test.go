package analysis

import (
	"errors"
	"flag"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

var (
	brutePolicies = flag.Int("brute", 200, "how many policies have their proofs held against requests by brute force")
	bruteFirst    = flag.Uint64("brute-seed", 0, "the first of them")
	bruteRequests = flag.Int("brute-requests", 30, "requests for each of them")
)

// A claim is a proof that nobody can, and who would refute it.
type claim struct {
	what    string
	action  string // empty: any
	callers func(person) bool
	// less: requests that are refused without a statement; more: those that are
	// allowed without it; both: whoever is let in at all.
	less, more bool
}

func (c claim) refuted(p person, action string, full, cut bool) bool {
	switch {
	case c.action != "" && c.action != action || !c.callers(p):
		return false
	case c.less:
		return full && !cut
	case c.more:
		return cut && !full
	default:
		return full
	}
}

var bruteActions = []string{"kms:Decrypt", "kms:CreateGrant", "kms:PutKeyPolicy", "kms:DescribeKey"}

// claims are the proofs that the analysis finds about a policy, and about it
// without one of its statements.
func claims(t *testing.T, d, cut *policy.Document, states map[State]int) []claim {
	t.Helper()
	pair, err := OfDocuments(Config{}, Loose{Document: d, Account: bruteOwn}, Loose{Document: cut})
	require.NoError(t, err, d.Text)
	anybody := func(person) bool { return true }
	var all []claim
	prove := func(c claim, q Query) {
		answer, err := Find(t.Context(), q)
		var wrong *Disagreement
		require.False(t, errors.As(err, &wrong), "%s\n%v", d.Text, err)
		require.NoError(t, err, d.Text)
		if states[answer.State]++; answer.State == Proved {
			all = append(all, c)
		}
	}
	for _, action := range bruteActions[:3] {
		q := Query{Actions: []string{action}, Allowed: pair[:1]}
		if q.Callers = func(c Caller) bool { return c.Outside }; d.Kind == policy.Key {
			prove(claim{what: "nobody outside", action: action, callers: func(p person) bool { return p.outside }}, q)
			q.Callers = func(c Caller) bool { return c.Type != decision.Service && c.Account != bruteOwn }
			prove(claim{what: "nobody of other accounts", action: action, callers: func(p person) bool { return p.Type != decision.Service && p.Account != bruteOwn }}, q)
		}
		q.Callers = nil
		prove(claim{what: "nobody", action: action, callers: anybody}, q)
		q.Refused = pair[1:]
		prove(claim{what: "no more than without a statement", action: action, callers: anybody, less: true}, q)
		prove(claim{what: "no less than without a statement", action: action, callers: anybody, more: true},
			Query{Actions: q.Actions, Allowed: pair[1:], Refused: pair[:1]})
	}
	return all
}

// without is a policy without one of its statements, if it has several.
func (g generator) without(d *policy.Document) *policy.Document {
	cut := *d
	if cut.Statements = slices.Clone(d.Statements); len(cut.Statements) > 1 {
		i := g.IntN(len(cut.Statements))
		cut.Statements = slices.Delete(cut.Statements, i, i+1)
		for j := range cut.Statements {
			cut.Statements[j].Index = j
		}
	}
	return &cut
}

// attach puts a policy where its kind belongs, beside others that allow all.
func (g generator) attach(q decision.Question, p person, d *policy.Document, variation int) decision.Question {
	subject := decision.Policy{Name: "this", Owner: bruteOwn, Document: d}
	q.Identity = []decision.Policy{everything}
	if p.Type == decision.Federated {
		q.Session = q.Identity
	}
	q.KeyPolicy = &openKey
	switch d.Kind {
	case policy.Key:
		q.KeyPolicy = &subject
		switch {
		case p.Account != bruteOwn || p.Type == decision.Root:
		case variation == 1:
			q.Identity = nil
		case variation == 2 && p.Type != decision.Federated:
			q.Boundary = &nothingAllowed
		}
	case policy.Identity:
		delegates := made(policy.Key, full(root))
		q.KeyPolicy, q.Identity = &delegates, []decision.Policy{subject}
	case policy.SCP:
		q.SCP = [][]decision.Policy{scpLevel(&subject)}
	case policy.Endpoint:
		q.Endpoint = &subject
	}
	return q
}

// possible tells whether the analysis speaks of a person in its kind of policy.
func (p person) possible(k policy.Kind, q *decision.Question) bool {
	switch k {
	case policy.Key:
		return true
	case policy.Endpoint:
		return q.Context["aws:sourcevpce"] != nil
	case policy.SCP:
		return p.Account == bruteOwn
	default:
		return p.Account == bruteOwn && (p.Type == decision.User || p.Type == decision.Role || p.Type == decision.WebIdentity)
	}
}

// TestNoProofIsRefutedByBruteForce draws policies of all there is, has the
// analysis say what nobody can, and looks for somebody who can: with requests
// that are made of what the policies ask for, by callers that the analysis has
// not made up.
func TestNoProofIsRefutedByBruteForce(t *testing.T) {
	states, asked, allowed := map[State]int{}, 0, 0
	engine, err := sharedEngine()
	require.NoError(t, err)
	for seed := *bruteFirst; seed < *bruteFirst+uint64(*brutePolicies); seed++ {
		g := generator{rand.New(rand.NewPCG(seed, 3))}
		d := g.brutal(pick(g, policy.Key, policy.Key, policy.Key, policy.Key, policy.Identity, policy.SCP, policy.Endpoint))
		cut := g.without(d)
		proofs := claims(t, d, cut, states)
		for range *bruteRequests {
			p := g.person(d)
			action := pick(g, bruteActions...)
			q := g.ask(p, action, d)
			if !p.possible(d.Kind, &q) {
				continue
			}
			variation := g.IntN(3)
			decide := func(d *policy.Document) bool {
				answer, err := engine.Decide(t.Context(), g.attach(q, p, d, variation))
				require.NoError(t, err, "%s\n%v", d.Text, q.Context)
				return answer.Allowed
			}
			full := decide(d)
			less := decide(cut)
			if asked++; full {
				allowed++
			}
			for _, c := range proofs {
				if !assert.False(t, c.refuted(p, action, full, less), "seed %d, variation %d: %s may %s\n%s\nwithout %v\n%s %s %v", seed, variation, c.what, action,
					d.Text, cut.String(), p.Type, p.ARN, q.Context) {
					return
				}
			}
		}
	}
	t.Logf("%d requests, %d allowed; of the questions %d proved, %d found, %d unknown", asked, allowed, states[Proved], states[Found], states[Unknown])
}
