package analysis

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/lint"
	"github.com/keyreeve/keyreeve/rego/policy"
)

const attestationPrefix = "kms:recipientattestation:"

// attestation looks for ways around the attestation that the key policy of an
// enclave asks for.
func (c *checker) attestation() error {
	asks := func(s *statement) bool {
		return slices.ContainsFunc(s.conditions, func(x *condition) bool { return strings.HasPrefix(x.key, attestationPrefix) })
	}
	if !slices.ContainsFunc(c.document.statements, asks) {
		return nil
	}
	keys := map[string][]string{}
	for _, k := range c.mentioned(attestationPrefix) {
		keys[k] = nil
	}
	sensitive := []string{"kms:Decrypt", "kms:DeriveSharedSecret", "kms:GenerateDataKey", "kms:GenerateDataKeyPair"}
	for _, s := range c.statements(policy.Allow) {
		id, why := "KR_ATTESTATION_NOT_ENFORCED", "%s needs no attestation here, though another statement asks for it."
		if asks(s) {
			why = "%s needs no attestation here: the condition also holds without."
		} else if slices.Contains(s.principals, party{byAccount, c.own}) {
			id, why = "KR_ATTESTATION_BYPASS", "IAM policies of the account can allow %s without the attestation that another statement asks for. "+
				"Leave that action out here, or deny it without attestation."
		}
		w, state, err := c.found(id, s, search{matching: []*statement{s}, actions: sensitive, keys: keys,
			callers: func(x *Caller) bool { return x.Type != decision.Root }})
		if err != nil {
			return err
		}
		if state != Found {
			continue
		}
		f := c.report(id, s, s.actionPlace(w.Action), why, w.Action)
		if err := c.witness(f, w, ""); err != nil {
			return err
		}
	}
	return nil
}

// services looks for a Deny by the address or the endpoint of the caller that
// also stops services that act for the caller: they come from elsewhere.
func (c *checker) services() error {
	for _, s := range c.statements(policy.Deny) {
		i := slices.IndexFunc(s.conditions, func(x *condition) bool { return x.key == "aws:sourceip" && x.op.Type == policy.IPType })
		id, what := "KR_SOURCEIP_BREAKS_SERVICES", "addresses"
		if i < 0 && c.u.kind == policy.Key {
			i = slices.IndexFunc(s.conditions, func(x *condition) bool { return x.key == "aws:sourcevpce" || x.key == "aws:sourcevpc" })
			id, what = "KR_VPCE_SOURCEVPCE_MISMATCH", "networks"
		}
		if i < 0 {
			continue
		}
		w, state, err := c.found(id, s, search{matching: []*statement{s}, without: map[*statement]bool{s: true}, extra: []*condition{c.asks.viaService}})
		if err != nil {
			return err
		}
		if state != Found {
			continue
		}
		f := c.report(id, s, s.conditions[i].source.Pos, "AWS services that act for the caller come from %s of their own, and are denied as well. "+
			"Add a condition such as \"Bool\": {\"aws:ViaAWSService\": \"false\"}.", what)
		f.Severity = lint.Warning
		if err := c.witness(f, w, "allowed but for this statement"); err != nil {
			return err
		}
	}
	return nil
}

// endpoints looks for VPC endpoints, and VPCs, that a key policy names and the
// world does not have.
func (c *checker) endpoints() error {
	all := c.u.world.Endpoints()
	if len(all) == 0 {
		return nil
	}
	for _, s := range c.document.statements {
		for _, x := range s.conditions {
			needed := x.op.Negated == (s.source.Effect == policy.Deny)
			if x.key != "aws:sourcevpce" && x.key != "aws:sourcevpc" || !needed || x.op.Type != policy.StringType || len(x.vars) > 0 {
				continue
			}
			known := false
			for _, e := range all {
				value := e.ID
				if x.key == "aws:sourcevpc" {
					value = e.VPC
				}
				for i := range x.operands {
					known = known || e.Region == c.key.region && x.text(&x.operands[i], value, nil)
				}
			}
			if !known {
				c.report("KR_VPCE_SOURCEVPCE_MISMATCH", s, x.source.Pos, "No VPC endpoint of this world in %s fits %s, so no request does what is asked for here.",
					c.key.region, x.source.KeyText)
			}
		}
	}
	return nil
}

// closedEndpoint looks for an endpoint policy that nothing of the service gets
// through.
func (c *checker) closedEndpoint() error {
	a, err := c.find(search{})
	if err != nil {
		return err
	}
	switch a.State {
	case Proved:
		c.whole("KR_VPCE_GRANTS_NOTHING", c.document, "No request to the service gets through this endpoint, whatever key policies and IAM policies allow.")
	case Unknown:
		c.unknown("KR_VPCE_GRANTS_NOTHING", nil, "It could not be decided: "+a.Why+".")
	}
	return nil
}

// levels looks for a level of the organization that lets nothing of the
// service through.
func (c *checker) levels() error {
	done := map[string]bool{}
	for _, x := range c.u.callers {
		if done[x.Account] || x.strange() || x.Account == "" || x.principal.Management || x.attached.SCP == nil {
			continue
		}
		done[x.Account] = true
		for level, list := range x.attached.SCP {
			open := slices.ContainsFunc(list, func(p decision.Policy) bool {
				return slices.ContainsFunc(c.u.document(&p).statements, func(s *statement) bool {
					return s.source.Effect == policy.Allow && c.speaks(s)
				})
			})
			if open {
				continue
			}
			if len(list) == 0 {
				c.whole("KR_SCP_LEVEL_WITHOUT_ALLOW", c.document, "Level %d of the SCPs over account %s has no policy, so nothing at all is allowed there.", level, x.Account)
				continue
			}
			c.whole("KR_SCP_LEVEL_WITHOUT_ALLOW", c.u.document(&list[0]), "No SCP of level %d over account %s allows anything of the service. "+
				"Each level needs one that does, such as FullAWSAccess.", level, x.Account)
		}
	}
	return nil
}

// ineffective looks for statements of IAM policies that name the key and that
// its key policy does not let work.
func (c *checker) ineffective() error {
	told := map[*statement]bool{}
	for _, x := range c.u.callers {
		if x.strange() || x.Type == decision.Root {
			continue
		}
		for i := range x.attached.Identity {
			for _, s := range c.u.document(&x.attached.Identity[i]).statements {
				if s.source.Effect != policy.Allow || told[s] || s.resource == nil || s.source.NotResource || !c.speaks(s) || !c.namesKey(s) {
					continue
				}
				told[s] = true
				if err := c.idle(x, s); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// namesKey tells whether a Resource element names the key with its id.
func (c *checker) namesKey(s *statement) bool {
	return slices.ContainsFunc(s.resource.operands, func(o operand) bool {
		return strings.Contains(o.value.Text, ":key/") && !strings.HasSuffix(o.value.Text, ":key/*") && o.fixed != nil && o.fixed.matches(c.key.decided.ARN)
	})
}

// idle reports a statement that no holder gets anything by, if it is the key
// policy that does not delegate.
func (c *checker) idle(x *Caller, s *statement) error {
	only := func(y *Caller) bool { return y.Account == x.Account }
	a, err := c.find(search{matching: []*statement{s}, callers: only})
	if err != nil || a.State != Proved {
		return err
	}
	match, err := c.find(search{matching: []*statement{s}, callers: only, anything: true, shown: true})
	if err != nil || match.State != Found {
		return err
	}
	if match.Witness.Decision.Layer != decision.LayerResource || match.Witness.Decision.Reason != decision.NoAllow {
		return nil
	}
	f := c.report("KR_IDENTITY_INEFFECTIVE", s, s.source.Resources[0].Pos,
		"The key policy of %s does not let IAM policies of account %s count for this, so the statement has no effect on it.", c.key.name, x.Account)
	return c.witness(f, match.Witness, "")
}

// deadGrants looks for grants by which nobody gets anything.
func (c *checker) deadGrants() error {
	if c.key == nil || len(c.key.grants) == 0 {
		return nil
	}
	all := c.key.grants
	defer func() { c.key.grants = all }()
	without := map[*statement]bool{}
	for _, s := range c.statements(policy.Allow) {
		without[s] = true
	}
	for _, g := range all {
		var actions []string
		for _, o := range g.Operations {
			if o != "RetireGrant" {
				actions = append(actions, "kms:"+o)
			}
		}
		if len(actions) == 0 {
			continue
		}
		c.key.grants = []decision.Grant{g}
		a, err := c.find(search{actions: actions, without: without})
		if err != nil {
			return err
		}
		if a.State != Proved {
			continue
		}
		f := c.of("KR_GRANT_DEAD", c.document)
		f.Kind, f.Policy = 0, c.key.names[g.ID]
		f.Message = "Nobody gets anything by grant " + c.key.names[g.ID] + " of " + c.key.name + ": a policy refuses every request that it allows, or its grantee cannot call."
		c.findings = append(c.findings, f)
	}
	return nil
}
