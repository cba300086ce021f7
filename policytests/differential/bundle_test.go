package differential

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"testing"

	opabundle "github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/bundle"
)

// bundleWorlds and bundleCases are how many worlds become bundles, and how
// many requests are asked of each.
const (
	bundleWorlds = 20
	bundleCases  = 50
)

// TestBundlesAnswerLikeTheEngine asks stock OPA, which has nothing but a
// bundle, what the engine is asked.
func TestBundlesAnswerLikeTheEngine(t *testing.T) {
	engine := newEngine(t, false)
	allowed := 0
	for n := range uint64(bundleWorlds) {
		w := newWorld(*seed+1_000_000, n)
		var cases []Case
		for range bundleCases {
			cases = append(cases, w.next())
		}
		opa := stockOPA(t, cases)
		for i := range cases {
			q, err := cases[i].question()
			require.NoError(t, err)
			d, err := engine.Decide(t.Context(), *q)
			require.NoError(t, err)
			got := opa.answer(t, cases[i].facts())
			if !assert.Equal(t, answerOf(d), got, "world %d, request %d", n, i) {
				return
			}
			if d.Allowed {
				allowed++
			}
		}
	}
	t.Logf("%d of %d allowed", allowed, bundleWorlds*bundleCases)
	assert.Greater(t, allowed, bundleWorlds*bundleCases/10)
}

// An answer is what both say.
type answer struct {
	Allow         bool
	Reason, Layer string
	Grants        []string
	Statements    []settling
}

// A settling statement of an answer.
type settling struct {
	Layer, Policy, Sid, Via string
	Level, Index            int
}

func answerOf(d decision.Decision) answer {
	a := answer{Allow: d.Allowed, Reason: string(d.Reason), Layer: string(d.Layer), Grants: append([]string{}, d.Grants...), Statements: []settling{}}
	for _, s := range d.Evidence().SettledBy {
		for _, via := range s.Via {
			a.Statements = append(a.Statements, settling{string(s.Layer), s.Policy, s.Sid, string(via), s.Level, s.Index})
		}
	}
	return a
}

// A stock is a query of OPA's own library on a bundle.
type stock struct{ query rego.PreparedEvalQuery }

// stockOPA writes a bundle of all policies of the cases and loads it.
func stockOPA(t *testing.T, cases []Case) stock {
	t.Helper()
	var c bundle.Contents
	seen := map[string]bool{}
	for i := range cases {
		cases[i].attached(func(_ decision.Layer, p *Policy) {
			require.NoError(t, p.parse())
			if !seen[p.Name] {
				seen[p.Name] = true
				c.Policies = append(c.Policies, bundle.Policy{Name: p.Name, Document: p.parsed, Principals: p.Principals})
			}
		})
	}
	var archive bytes.Buffer
	require.NoError(t, bundle.Write(&archive, c))
	loaded, err := opabundle.NewReader(&archive).Read()
	require.NoError(t, err)
	query, err := rego.New(rego.Query("d = "+bundle.Decision+"; s = "+bundle.Statements), rego.ParsedBundle("keyreeve", &loaded)).
		PrepareForEval(context.Background())
	require.NoError(t, err)
	return stock{query}
}

func (s stock) answer(t *testing.T, input any) answer {
	t.Helper()
	found, err := s.query.Eval(context.Background(), rego.EvalInput(input))
	require.NoError(t, err)
	require.Len(t, found, 1)
	var read struct {
		D struct {
			Allow         bool
			Reason, Layer string
			Grants        []string
			Error         []string
		}
		S []settling
	}
	text, err := json.Marshal(found[0].Bindings)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &read))
	require.Empty(t, read.D.Error)
	slices.Sort(read.D.Grants)
	return answer{read.D.Allow, read.D.Reason, read.D.Layer, read.D.Grants, read.S}
}

// facts are the case as the input of answer.rego.
func (c *Case) facts() map[string]any {
	p := map[string]any{"type": c.Principal.Type, "management": c.Principal.Management}
	for name, value := range map[string]string{
		"account": c.Principal.Account, "user": c.Principal.User, "role": c.Principal.Role, "session": c.Principal.Session,
		"provider": c.Principal.Provider,
	} {
		if value != "" {
			p[name] = value
		}
	}
	if len(c.Principal.Services) > 0 {
		p["services"] = c.Principal.Services
	}
	context := map[string][]string{}
	for name, values := range c.Context {
		context[name] = values
	}
	pairs := map[string]string{}
	for name, value := range c.EncryptionContext {
		pairs[name] = value
	}
	facts := map[string]any{
		"rule": c.Rule, "action": c.Action, "cross_account_possible": c.CrossAccount, "principal": p,
		"resource": map[string]any{"arn": c.Resource.ARN, "account": c.Resource.Account, "management": c.Resource.Management,
			"aws_managed": c.Resource.AWSManaged},
		"context": context, "encryption_context": pairs, "policies": c.names(), "grants": grantFacts(c.Grants), "child": childFacts(c.Child),
	}
	return facts
}

// names are the names of the attached policies by layer and level.
func (c *Case) names() map[string][][]string {
	names := map[string][][]string{"identity": {nameList(c.Identity)}}
	for layer, levels := range map[string][][]Policy{"scp": c.SCP, "rcp": c.RCP} {
		if levels != nil {
			names[layer] = [][]string{}
		}
		for _, l := range levels {
			names[layer] = append(names[layer], nameList(l))
		}
	}
	if c.Session != nil {
		names["session"] = [][]string{nameList(c.Session)}
	}
	for layer, p := range map[string]*Policy{"endpoint": c.Endpoint, "boundary": c.Boundary, "resource": c.Resourced} {
		if p != nil {
			names[layer] = [][]string{{p.Name}}
		}
	}
	return names
}

func nameList(policies []Policy) []string {
	names := []string{}
	for _, p := range policies {
		names = append(names, p.Name)
	}
	return names
}

func grantFacts(grants []decision.Grant) []bundle.Grant {
	facts := []bundle.Grant{}
	for _, g := range grants {
		facts = append(facts, bundle.Grant{
			ID: g.ID, Grantee: partyFacts(g.Grantee), Retiree: partyFacts(g.Retiree), Issuer: g.IssuingAccount,
			Operations: asActions(g.Operations), Equals: g.Equals, Subset: g.Subset,
		})
	}
	return facts
}

func partyFacts(p decision.Party) *bundle.Party {
	if p == (decision.Party{}) {
		return nil
	}
	return &bundle.Party{Via: string(p.Via), ID: p.ID}
}

func childFacts(c *decision.Child) any {
	if c == nil {
		return nil
	}
	return map[string]any{"operations": asActions(c.Operations), "equals": c.Equals, "subset": c.Subset}
}

// asActions names operations as actions.
func asActions(operations []string) []string {
	names := make([]string, len(operations))
	for i, o := range operations {
		names[i] = "kms:" + o
	}
	return names
}
