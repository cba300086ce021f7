package query

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/lifecycle"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// An Explanation says why a request was decided as it was. Its JSON is stable;
// README.md documents it. It is for the author of the world: it tells what
// accounts keep from each other.
type Explanation struct {
	Version int    `json:"version"`
	Request string `json:"request,omitempty"` // as a case line without verdict
	Allowed bool   `json:"allowed"`
	// Rule names the rule of evaluation that decided; Words say how it did.
	Rule     Rule        `json:"rule"`
	Words    string      `json:"words"`
	Sentence string      `json:"sentence,omitempty"` // of a refusal, as the caller reads it
	Layers   []Layer     `json:"layers"`             // in the order in which they are asked
	Settled  []Statement `json:"settledBy"`
	Grants   []string    `json:"grants,omitempty"` // names of those that allowed, or ids
	Nearest  *Nearest    `json:"nearestMiss,omitempty"`
	Notes    []string    `json:"notes,omitempty"` // what else to know
	// When says which other requests for the same are allowed; nil: not asked,
	// or not known of what the request is about.
	When *Access `json:"allowedWhen,omitempty"`
	// Evidence is the engine's own account, as decision logs have it.
	Evidence decision.Evidence `json:"evidence"`
}

// A Layer tells what one level of a layer said, in words for people.
type Layer struct {
	Layer      decision.Layer `json:"layer"`
	Level      int            `json:"level"`
	Name       string         `json:"name"`   // "SCPs of OU Engineering"
	Result     string         `json:"result"` // "allows", "denies", "delegates", …
	Statements []Statement    `json:"statements,omitempty"`
	More       int            `json:"more,omitempty"` // statements that are left out
}

// What a Layer can say. A delegating one leaves the matter to IAM policies.
const (
	Allows      = "allows"
	Denies      = "denies"
	Delegates   = "delegates"
	Silent      = "does not allow"
	NoDeny      = "does not deny"
	NotAttached = "none"
	Exempt      = "does not apply"
	NotNeeded   = "not needed"
	NoKey       = "no such key"
)

// A Nearest is the statement that would have allowed but for one condition.
type Nearest struct {
	Statement Statement `json:"statement"`
	Operator  string    `json:"operator"`
	Key       string    `json:"key"`
	Wanted    []string  `json:"wanted"`
	Actual    []string  `json:"actual"` // empty: the key is absent
	File      string    `json:"file,omitempty"`
	Line      int       `json:"line,omitempty"` // of the condition, in File

	// Variables are the values in the request of each variable that Wanted has,
	// by its name in lower case. It stands for one value, and for nothing else.
	Variables map[string][]string `json:"variables,omitempty"`
}

// Explain decides a request about one principal, action and resource, and says
// why. An error that is a caseline.Error says what in the request cannot be.
func Explain(ctx context.Context, b *Base, r caseline.Request) (Explanation, error) {
	q, err := b.Question(r)
	if err != nil {
		return Explanation{}, err
	}
	d, err := b.Decide(ctx, q)
	if err != nil {
		return Explanation{}, err
	}
	x := b.Tell(d)
	x.Request = Line(r)
	return x, nil
}

// ExplainFully also says when the principal can have the same allowed, which
// takes longer: some 30 ms in a world of 500 roles.
func ExplainFully(ctx context.Context, b *Base, r caseline.Request) (Explanation, error) {
	x, err := Explain(ctx, b, r)
	if err != nil {
		return x, err
	}
	when, known, err := AllowedWhen(ctx, b, r)
	if known {
		x.When = &when
	}
	return x, err
}

// Tell explains a decision. b may be one without a world: then places and
// names are those that the decision has.
func (b *Base) Tell(d decision.Decision) Explanation {
	q, e := d.Question(), d.Evidence()
	x := Explanation{
		Version: Version, Allowed: d.Allowed, Sentence: d.Sentence(), Settled: []Statement{}, Evidence: e,
	}
	for _, s := range e.SettledBy {
		x.Settled = append(x.Settled, b.located(&q, s))
	}
	for _, l := range e.Layers {
		x.Layers = append(x.Layers, b.layer(&q, l))
	}
	x.Layers = slices.Insert(x.Layers, b.grantRow(x.Layers), b.grantLayer(&q, d)...)
	for _, id := range d.Grants {
		x.Grants = append(x.Grants, b.grantName(&q, id))
	}
	x.Nearest = b.nearest(&q, e.Nearest)
	t := teacher{b: b, q: &q, d: d, x: &x}
	x.Rule, x.Words = t.teach()
	x.Notes = t.notes()
	return x
}

// grantRow is after the policy of the resource.
func (b *Base) grantRow(layers []Layer) int {
	i := slices.IndexFunc(layers, func(l Layer) bool { return l.Layer == decision.LayerResource })
	return i + 1
}

// results are what a layer can say, in words.
var results = map[string]string{
	decision.SaidDeny: Denies, decision.SaidAllow: Allows, decision.SaidNothing: Silent,
	decision.SaidNotAttached: NotAttached, decision.SaidExempt: Exempt,
}

// layer puts what a level of a layer said in words.
func (b *Base) layer(q *decision.Question, l decision.LayerEvidence) Layer {
	out := Layer{Layer: l.Layer, Level: l.Level, Name: b.layerName(q, l.Layer, l.Level), More: l.More}
	for _, s := range l.Statements {
		out.Statements = append(out.Statements, b.located(q, s))
	}
	out.Result = results[l.Said]
	switch {
	case l.Said == decision.SaidNothing && (l.Layer == decision.LayerRCP || l.Layer == decision.LayerGuardrail):
		out.Result = NoDeny
	case l.Layer == decision.LayerIdentity && l.Said == decision.SaidNothing && q.Principal.Type == decision.Root:
		out.Result = NotNeeded
	case l.Layer == decision.LayerResource && q.Rule == decision.IdentityOnly:
		out.Result = Exempt
	case l.Layer == decision.LayerResource && absent(q):
		out.Result = NoKey
	case l.Layer == decision.LayerResource && l.Said == decision.SaidAllow && delegatesOnly(q, l.Statements):
		out.Result = Delegates
	}
	return out
}

// delegatesOnly tells whether all Allows among statements are for the caller's
// account, and the caller is not its root user.
func delegatesOnly(q *decision.Question, statements []decision.Statement) bool {
	return q.Principal.Type != decision.Root && !slices.ContainsFunc(statements, func(s decision.Statement) bool {
		return s.Effect == policy.Allow.String() && !slices.Equal(s.Via, []decision.Via{decision.ViaAccount})
	})
}

var layerNames = map[decision.Layer]string{
	decision.LayerGuardrail: "guardrails", decision.LayerEndpoint: "VPC endpoint policy", decision.LayerBoundary: "permissions boundary",
	decision.LayerSession: "session policies", decision.LayerIdentity: "IAM policies", decision.LayerResource: "key policy",
	decision.LayerGrant: "grants", decision.LayerSCP: "SCPs", decision.LayerRCP: "RCPs", decision.LayerRoot: "root user",
}

// layerName names a level of a layer.
func (b *Base) layerName(q *decision.Question, l decision.Layer, level int) string {
	name := layerNames[l]
	switch {
	case l == decision.LayerResource && q.Rule == decision.Trust:
		return "trust policy"
	case l == decision.LayerSCP && q.SCP != nil:
		return name + " of " + b.levelName(q.Principal.Account, level)
	case l == decision.LayerRCP && q.RCP != nil:
		return name + " of " + b.levelName(q.Resource.Account, level)
	}
	return name
}

// levelName names a level of the organization over an account.
func (b *Base) levelName(account string, level int) string {
	var unit *world.Unit
	if b.cfg.World != nil {
		unit = b.cfg.World.Organization().Unit(account)
	}
	if unit == nil {
		return fmt.Sprintf("level %d", level)
	}
	var path []*world.Unit
	for ; unit != nil; unit = unit.Parent {
		path = append([]*world.Unit{unit}, path...)
	}
	switch {
	case level == 0:
		return "the root"
	case level < len(path):
		if path[level].Name != "" {
			return "OU " + path[level].Name
		}
		return "OU " + path[level].ID
	}
	return "account " + b.accountName(account)
}

// accountName is what the world calls an account, or its id.
func (b *Base) accountName(id string) string {
	if b.cfg.World != nil {
		if a, known := b.cfg.World.Account(id); known && a.Name != "" {
			return a.Name
		}
	}
	return id
}

// grantLayer says what the grants on the key did; nothing where grants have no
// say.
func (b *Base) grantLayer(q *decision.Question, d decision.Decision) []Layer {
	if q.Rule != decision.KeyPolicy && q.Rule != decision.GrantOnly {
		return nil
	}
	l := Layer{Layer: decision.LayerGrant, Name: layerNames[decision.LayerGrant], Result: NotAttached}
	switch {
	case d.Layer == decision.LayerGrant && d.Allowed:
		l.Result = Allows
	case len(q.Grants) > 0:
		l.Result = Silent
	}
	return []Layer{l}
}

// grantName is what the world calls a grant, or its id.
func (b *Base) grantName(q *decision.Question, id string) string {
	if b.cfg.World == nil {
		return id
	}
	for _, k := range b.cfg.World.Keys() {
		if k.ARN != q.Resource.ARN {
			continue
		}
		for _, g := range k.Grants {
			if g.ID == id {
				return g.Name
			}
		}
	}
	return id
}

func (b *Base) nearest(q *decision.Question, n *decision.NearestMiss) *Nearest {
	if n == nil {
		return nil
	}
	out := &Nearest{Statement: b.located(q, n.Statement), Operator: n.Operator, Key: n.Key, Wanted: n.Wanted, Actual: n.Actual}
	for _, p := range q.Policies(n.Statement.Layer, n.Statement.Level) {
		if p.Name != n.Statement.Policy || p.ARN != n.Statement.ARN || n.Statement.Index >= len(p.Document.Statements) {
			continue
		}
		for _, c := range p.Document.Statements[n.Statement.Index].Conditions {
			if c.Pos.Line == n.Line && c.OperatorText() == n.Operator && c.KeyText == n.Key {
				out.File, out.Line = b.placeOf(&p, c.Pos)
				out.Variables = variables(q, c.Values)
				return out
			}
		}
	}
	return out
}

// variables are the values that a question has for the variables of operands.
func variables(q *decision.Question, operands []policy.Value) map[string][]string {
	var found map[string][]string
	for _, v := range operands {
		for _, part := range v.Parts {
			if part.Kind == policy.Variable {
				if found == nil {
					found = map[string][]string{}
				}
				found[part.Text] = q.Context[part.Text]
			}
		}
	}
	return found
}

// key is the key of the world that a question is about; nil if there is none.
func (b *Base) key(q *decision.Question) *world.Key {
	if b.cfg.World == nil {
		return nil
	}
	for _, k := range b.cfg.World.Keys() {
		if k.ARN == q.Resource.ARN {
			return k
		}
	}
	return nil
}

// refusedByState is what would refuse a permitted call all the same: the state
// of its key. Empty if nothing would.
func (b *Base) refusedByState(q *decision.Question) string {
	k := b.key(q)
	action, known := policy.ActionNamed(q.Action)
	if k == nil || !known || action.Operation == "" && !strings.HasPrefix(q.Action, "kms:") {
		return ""
	}
	operation := action.Operation
	if operation == "" {
		operation = strings.TrimPrefix(q.Action, "kms:")
	}
	if !slices.Contains(b.states.Operations(), operation) {
		return ""
	}
	if refused := b.states.Permit(operation, k.ARN, lifecycle.State(k.State)); refused != nil {
		return fmt.Sprintf("%s is %s: permission or not, the service refuses the call with %s.", b.resourceName(q), k.State, refused.Code)
	}
	return ""
}
