package export

import (
	"fmt"

	"github.com/keyreeve/keyreeve/engine/ask"
	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/bundle"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// resources adds the keys and the roles of an account.
func (x *exporter) resources(a *world.Account, to map[string]bundle.Resource) error {
	for _, r := range a.Roles {
		out := x.resource(r.ARN, a.ID, nil)
		out.Names, out.Kind = names(a, "role/"+r.Name), "role"
		x.one(out.Policies, decision.LayerResource, r.ARN, r.Trust)
		to[r.ARN] = out
	}
	for _, k := range a.Keys {
		out := x.resource(k.ARN, a.ID, ask.KeyFacts(k))
		out.Names, out.Kind = names(a, append([]string{"key/" + k.Name, "key/" + k.ID}, k.Aliases...)...), "key"
		out.Resource["aws_managed"] = k.AWSManaged
		out.Context["aws:requestedregion"] = []string{k.Region}
		out.Grants = grants(x.world, k)
		p, err := keyPolicy(x.world, k)
		if err != nil {
			return fmt.Errorf("exporting %s: %w", k.ARN, err)
		}
		file := ""
		if k.Policy != nil {
			file = k.Policy.File
		}
		out.Policies[string(decision.LayerResource)] = bundle.Levels{{x.add(k.ARN, p, file)}}
		to[k.ARN] = out
	}
	return nil
}

// resource is what is told of each one.
func (x *exporter) resource(arn, account string, key *condition.Key) bundle.Resource {
	o := x.world.Organization()
	about := condition.Resource{Account: account, OrgPath: o.Path(account), Key: key}
	if about.OrgPath != "" {
		about.OrgID = o.ID
	}
	layers := bundle.Layers{}
	x.guardrails(layers, decision.LayerRCP, account, rcps)
	return bundle.Resource{
		Resource: map[string]any{"arn": arn, "account": account, "management": x.management(account), "aws_managed": false},
		Context:  alone(about), Policies: layers, Grants: []bundle.Grant{},
	}
}

// alone are the condition keys of a resource without those of a request.
func alone(about condition.Resource) condition.Context {
	c := condition.Build(condition.Request{}, condition.Side{}, about)
	for name := range condition.Build(condition.Request{}, condition.Side{}, condition.Resource{}) {
		delete(c, name)
	}
	return c
}

// keyPolicy is the policy that the world gives a key, or the default one.
func keyPolicy(w *world.World, k *world.Key) (decision.Policy, error) {
	if k.Policy != nil {
		p := identity.Policy(k.Account, k.Policy)
		p.Name = ask.DefaultPolicyName
		return p, nil
	}
	return ask.ReadPolicy(w, policy.Key, ask.UnlistedPolicy(w, k))
}

// grants are the grants on a key.
func grants(w *world.World, k *world.Key) []bundle.Grant {
	all := []bundle.Grant{}
	for _, g := range k.Grants {
		operations := make([]string, len(g.Operations))
		for i, o := range g.Operations {
			operations[i] = "kms:" + o
		}
		all = append(all, bundle.Grant{
			ID: g.ID, Grantee: party(w, g.Grantee), Retiree: party(w, g.Retiree), Issuer: k.Account, Operations: operations,
			Equals: nonEmpty(g.Equals), Subset: nonEmpty(g.Subset),
		})
	}
	return all
}

// party is nil for nobody.
func party(w *world.World, arn string) *bundle.Party {
	p, known := identity.Party(w, arn)
	if !known {
		return nil
	}
	return &bundle.Party{Via: string(p.Via), ID: p.ID}
}

// nonEmpty is pairs, or nil if there are none: an empty constraint is none.
func nonEmpty(pairs map[string]string) map[string]string {
	if len(pairs) == 0 {
		return nil
	}
	return pairs
}
