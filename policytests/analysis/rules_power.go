package analysis

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// Actions by which rules tell administrators from users.
var (
	useActions   = []string{"kms:Decrypt", "kms:Sign", "kms:GenerateMac", "kms:DeriveSharedSecret"}
	adminActions = []string{"kms:DisableKey", "kms:ScheduleKeyDeletion", "kms:UpdateKeyDescription"}
)

// powers looks for principals that hold powers that should be apart.
func (c *checker) powers() error {
	told := map[string]bool{}
	for _, x := range c.u.callers {
		if !c.direct(x) {
			continue
		}
		if err := c.powersOf(x, told); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) powersOf(x *Caller, told map[string]bool) error {
	only := func(y *Caller) bool { return y.key() == x.key() }
	can := func(shown bool, actions ...string) (Answer, error) {
		return c.find(search{callers: only, actions: actions, shown: shown})
	}
	put, err := can(true, "kms:PutKeyPolicy")
	if err != nil {
		return err
	}
	if put.State == Proved {
		return c.grants(x, only, told)
	}
	if put.State != Found {
		return nil
	}
	admin, err := can(false, adminActions...)
	if err != nil {
		return err
	}
	use, err := can(true, useActions...)
	if err != nil || use.State != Found {
		return err
	}
	if s := c.settled(put.Witness); admin.State == Proved && c.counts(s, put.Witness, "put", told) {
		f := c.report("KR_ESCALATION_PUTKEYPOLICY", s, s.actionPlace("kms:PutKeyPolicy"),
			"%s uses the key and does not administer it, but may replace its policy, and so give everything to anybody.", name(x))
		if err := c.witness(f, put.Witness, ""); err != nil {
			return err
		}
	}
	return c.both(x, put, use, told)
}

// both looks for an administrator who may use the key.
func (c *checker) both(x *Caller, put, use Answer, told map[string]bool) error {
	s := c.settled(use.Witness)
	if !c.counts(s, use.Witness, "both", told) {
		return nil
	}
	f := c.report("KR_ADMIN_AND_USER", s, s.source.Pos, "%s may change the key policy and also call %s: who administers a key should not use it.",
		name(x), use.Witness.Action)
	if err := c.witness(f, put.Witness, ""); err != nil {
		return err
	}
	return c.witness(f, use.Witness, "")
}

// counts tells whether a statement settled something that was not told of it
// yet. Of a world, only what the key policy gives counts.
func (c *checker) counts(s *statement, w *Witness, what string, told map[string]bool) bool {
	if s == nil || !c.u.open && w.Decision.Layer != decision.LayerResource {
		return false
	}
	id := what + s.source.Pos.Path + s.doc.policy.Name
	was := told[id]
	told[id] = true
	return !was
}

// name is a caller for people.
func name(x *Caller) string {
	switch {
	case x.Type == decision.Role && x.who.Role != nil && strings.HasPrefix(x.Name, "role/"):
		return x.who.Role.ARN
	default:
		return x.ARN
	}
}

// grants looks for a caller that cannot change the policy, but may give
// anybody any operation by a grant (Guide, Grants).
func (c *checker) grants(x *Caller, only func(*Caller) bool, told map[string]bool) error {
	keys := map[string][]string{
		"kms:granteeprincipal": {freshARN}, "kms:granteeserviceprincipal": nil, "kms:grantconstrainttype": nil, contextKeys: nil,
		"kms:grantoperations": grantOperations,
	}
	for _, k := range c.mentioned(encryptionContext) {
		keys[k] = nil
	}
	a, err := c.find(search{callers: only, actions: []string{"kms:CreateGrant"}, keys: keys, extra: []*condition{c.asks.ordinary}, shown: true})
	if err != nil || a.State != Found {
		return err
	}
	s := c.settled(a.Witness)
	if !c.counts(s, a.Witness, "grant", told) {
		return nil
	}
	f := c.report("KR_ESCALATION_CREATEGRANT", s, s.actionPlace("kms:CreateGrant"),
		"%s may give anybody any operation of the key by a grant, also operations that it lacks itself. "+
			"Add kms:GrantIsForAWSResource, kms:GranteePrincipal, kms:GrantOperations or kms:GrantConstraintType.", name(x))
	return c.witness(f, a.Witness, "")
}

// deletion looks for statements that let a key be deleted in a week, without
// MFA, by somebody who cannot replace the policy anyhow: no guard holds those
// who can.
func (c *checker) deletion() error {
	var suspects []*statement
	for _, s := range c.statements(policy.Allow) {
		if s.actions[actionIndex["kms:ScheduleKeyDeletion"]] {
			suspects = append(suspects, s)
		}
	}
	if len(suspects) == 0 {
		return nil
	}
	guarded, err := c.withoutPower("kms:PutKeyPolicy")
	if err != nil {
		return err
	}
	for _, s := range suspects {
		w, state, err := c.found("KR_DELETE_UNGUARDED", s, search{matching: []*statement{s}, callers: guarded, comparing: true,
			refusedWithout: with(nil, s), actions: []string{"kms:ScheduleKeyDeletion"}, extra: []*condition{c.asks.window, c.asks.noMFA}})
		if err != nil {
			return err
		}
		if state != Found {
			continue
		}
		f := c.report("KR_DELETE_UNGUARDED", s, s.actionPlace("kms:ScheduleKeyDeletion"),
			"The key may be scheduled for deletion after the shortest time, and without MFA. Ask for kms:ScheduleKeyDeletionPendingWindowInDays or aws:MultiFactorAuthPresent.")
		if err := c.witness(f, w, ""); err != nil {
			return err
		}
	}
	return nil
}

// withoutPower tells direct callers that may not call an action without MFA.
func (c *checker) withoutPower(action string) (func(*Caller) bool, error) {
	lacks := map[string]bool{}
	for _, x := range c.u.callers {
		if !c.direct(x) {
			continue
		}
		a, err := c.find(search{callers: func(y *Caller) bool { return y.key() == x.key() }, actions: []string{action}, extra: []*condition{c.asks.noMFA}})
		if err != nil {
			return nil, err
		}
		lacks[x.key()] = a.State != Found
	}
	return func(x *Caller) bool { return lacks[x.key()] }, nil
}

// aliasHalves looks for alias actions that are allowed on the alias or on the
// key, but not on both.
func (c *checker) aliasHalves() error {
	halves := map[policy.ResourceKind][]string{}
	shown := map[policy.ResourceKind]*Witness{}
	for _, action := range []string{"kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"} {
		found := map[policy.ResourceKind]*Witness{}
		for _, k := range []policy.ResourceKind{policy.AliasResource, policy.KeyResource} {
			f := &finder{space: c.sp, allowed: []variant{{u: c.u}}, query: Query{Actions: []string{action}, Resources: c.arns(k),
				Callers: func(x Caller) bool { return x.Variation == "" }}}
			a, err := f.find(c.ctx)
			if err != nil {
				return err
			}
			if a.State == Unknown {
				return nil
			}
			if a.State == Found {
				found[k] = a.Witness
			}
		}
		if len(found) != 1 {
			continue
		}
		for k, w := range found {
			if halves[k] = append(halves[k], action); shown[k] == nil {
				shown[k] = w
			}
		}
	}
	for _, k := range []policy.ResourceKind{policy.AliasResource, policy.KeyResource} {
		w := shown[k]
		if w == nil {
			continue
		}
		other := policy.AliasResource + policy.KeyResource - k
		if s := c.settled(w); s != nil {
			f := c.report("KR_ALIAS_ACTION_HALF", s, s.actionPlace(w.Action), "Allowed on the %s, but not on the %s: %s. Both are needed.", k, other, listed(halves[k]))
			if err := c.witness(f, w, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// arns are the resources of one kind.
func (c *checker) arns(k policy.ResourceKind) []string {
	all := []string{}
	for _, r := range c.u.resources {
		if r.kind == k {
			all = append(all, r.decided.ARN)
		}
	}
	return all
}

// selfService looks for access that hangs on a tag, or on an alias, that its
// holder may set.
func (c *checker) selfService() error {
	for _, s := range c.statements(policy.Allow) {
		for _, x := range s.conditions {
			if (!strings.HasPrefix(x.key, resourceTag) && x.key != resourceAliases) || x.missing || x.op.Type == policy.PresenceType {
				continue
			}
			if err := c.hangsOn(s, x); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *checker) hangsOn(s *statement, x *condition) error {
	w, state, err := c.found("KR_ABAC_SELF_SERVICE", s, search{matching: []*statement{s}, shown: true})
	if err != nil || state != Found || len(w.Keys[x.key]) == 0 {
		return err
	}
	only := func(y *Caller) bool { return y.key() == w.Caller.key() }
	without, err := c.find(search{callers: only, actions: []string{w.Action}, keys: map[string][]string{x.key: nil}})
	if err != nil || without.State != Proved {
		return err
	}
	keys := map[string][]string{x.key: nil}
	actions := []string{"kms:TagResource"}
	if tag, ok := strings.CutPrefix(x.key, resourceTag); ok {
		keys[requestTag+tag], keys[tagKeys] = w.Keys[x.key], []string{x.source.KeyText[len(resourceTag):]}
	} else {
		actions = []string{"kms:CreateAlias", "kms:UpdateAlias"}
	}
	if slices.Contains(actions, w.Action) {
		return nil
	}
	sets, err := c.find(search{callers: only, actions: actions, keys: keys, shown: true})
	if err != nil || sets.State != Found {
		return err
	}
	f := c.report("KR_ABAC_SELF_SERVICE", s, x.source.Pos, "Access hangs on %s, which the same principal may set with %s.", x.source.KeyText, sets.Witness.Action)
	if err := c.witness(f, sets.Witness, "first"); err != nil {
		return err
	}
	return c.witness(f, w, "then")
}
