// Package export writes a world as an OPA bundle.
package export

import (
	"io"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/ask"
	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/bundle"
	"github.com/keyreeve/keyreeve/rego/guardrail"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// Bundle writes all policies of a world as an OPA bundle, with what its
// principals, keys, roles and endpoints are called, so that questions need only
// name them. Guardrails may be nil. The same world gives the same bytes. Services
// are left out: what they are called depends on the call.
func Bundle(to io.Writer, w *world.World, guardrails *guardrail.Set) error {
	x := &exporter{world: w, policies: map[string]bundle.Policy{}}
	contents := bundle.Contents{Revision: revision(w, guardrails), Guardrails: guardrails, World: bundle.World{
		Principals: map[string]bundle.Principal{}, Resources: map[string]bundle.Resource{},
		Accounts: map[string]bundle.Account{}, Endpoints: map[string]bundle.Endpoint{}, Actions: actions(w),
	}}
	for _, a := range w.Accounts() {
		contents.World.Accounts[a.ID] = x.account(a)
		if err := x.callers(a, contents.World.Principals); err != nil {
			return err
		}
		if err := x.resources(a, contents.World.Resources); err != nil {
			return err
		}
	}
	for _, e := range w.Endpoints() {
		contents.World.Endpoints[e.ID] = x.endpoint(&e)
	}
	for _, p := range x.policies {
		contents.Policies = append(contents.Policies, p)
	}
	return bundle.Write(to, contents)
}

// revision tells what a bundle was made of.
func revision(w *world.World, guardrails *guardrail.Set) string {
	if guardrails == nil {
		return w.Digest()
	}
	return w.Digest() + "-" + guardrails.Digest
}

// An exporter gathers policies under names that tell where they are attached.
type exporter struct {
	world    *world.World
	policies map[string]bundle.Policy
}

// add takes a policy that is attached to owner, and returns its name: the ARN
// of a managed policy, or what it is attached to with its kind and name.
func (x *exporter) add(owner string, p decision.Policy, file string) string {
	name := owner + "#" + p.Document.Kind.String() + "/" + p.Name
	if p.ARN != "" {
		name = p.ARN
		if p.Document.Kind != policy.Identity {
			name += "#" + p.Document.Kind.String()
		}
	}
	x.policies[name] = bundle.Policy{Name: name, ARN: p.ARN, File: file, Document: p.Document, Principals: p.Principals}
	return name
}

// all adds policies of the world; the list is never nil.
func (x *exporter) all(owner string, lists ...[]*world.Policy) []string {
	names := []string{}
	for _, p := range slices.Concat(lists...) {
		names = append(names, x.add(owner, identity.Policy("", p), p.File))
	}
	return names
}

// one adds the policy of a layer that has one at most.
func (x *exporter) one(layers bundle.Layers, layer decision.Layer, owner string, p *world.Policy) {
	if p != nil {
		layers[string(layer)] = bundle.Levels{x.all(owner, []*world.Policy{p})}
	}
}

// guardrails adds the SCPs or RCPs over an account, a level each.
func (x *exporter) guardrails(layers bundle.Layers, layer decision.Layer, account string, of func(world.Guardrails) []*world.Policy) {
	o := x.world.Organization()
	levels := o.Levels(account)
	if levels == nil {
		return
	}
	owners := []string{account}
	for u := o.Unit(account); u != nil; u = u.Parent {
		owners = slices.Insert(owners, 0, u.ID)
	}
	names := bundle.Levels{}
	for i, level := range levels {
		names = append(names, x.all(owners[i], of(level)))
	}
	layers[string(layer)] = names
}

func scps(g world.Guardrails) []*world.Policy { return g.SCP }
func rcps(g world.Guardrails) []*world.Policy { return g.RCP }

// account is what operations on no resource are about: as ask has it, in the
// Region in which questions are asked that name none.
func (x *exporter) account(a *world.Account) bundle.Account {
	layers := bundle.Layers{}
	x.guardrails(layers, decision.LayerRCP, a.ID, rcps)
	return bundle.Account{Policies: layers, Resource: map[string]any{
		"arn":     "arn:" + x.world.Partition() + ":kms:" + x.world.Regions()[0] + ":" + a.ID + ":*",
		"account": a.ID, "management": x.management(a.ID), "aws_managed": false,
	}}
}

func (x *exporter) management(account string) bool {
	o := x.world.Organization()
	return o.Unit(account) != nil && o.Management == account
}

func (x *exporter) endpoint(e *world.Endpoint) bundle.Endpoint {
	c := condition.Context{}
	c.One("aws:SourceVpce", e.ID)
	c.One("aws:SourceVpc", e.VPC)
	layers := bundle.Layers{}
	x.one(layers, decision.LayerEndpoint, e.ID, e.Policy)
	return bundle.Endpoint{Context: c, Policies: layers}
}

// names are a name, and the name with the account behind it.
func names(a *world.Account, plain ...string) []string {
	all := slices.Clone(plain)
	for _, n := range plain {
		all = append(all, n+"@"+a.ID)
		if a.Name != "" {
			all = append(all, n+"@"+a.Name)
		}
	}
	return all
}

// rules are the rules of evaluation by what an action is asked about. What is
// asked about aliases must be given in full.
func rules(a policy.Action) map[string]string {
	rules := map[string]string{}
	switch {
	case a.Name == "kms:RetireGrant":
		rules["key"] = decision.GrantOnly.String()
	case a.On(policy.KeyResource):
		rules["key"] = decision.KeyPolicy.String()
	case a.On(policy.RoleResource):
		rules["role"] = decision.Trust.String()
	}
	if len(a.Resources) == 0 || a.Name == "kms:TagResource" {
		rules["none"] = decision.IdentityOnly.String()
	}
	return rules
}

func actions(w *world.World) map[string]bundle.Action {
	all := make(map[string]bundle.Action, len(policy.Actions))
	for _, a := range policy.Actions {
		c := ask.Defaults(a.Name)
		c.Flag("aws:SecureTransport", true)
		for _, name := range []string{"aws:PrincipalIsAWSService", "aws:ViaAWSService", "kms:GrantIsForAWSResource"} {
			c.Flag(name, false)
		}
		c.One("aws:RequestedRegion", w.Regions()[0])
		keys := []string{}
		for _, k := range a.ConditionKeys {
			keys = append(keys, strings.ToLower(k))
		}
		all[a.Name] = bundle.Action{Rules: rules(a), CrossAccount: a.CrossAccount, Keys: keys, Context: c}
	}
	return all
}
