package query

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/analysis"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A Filter narrows a table. Its patterns know "*" and "?"; empty: all.
type Filter struct {
	Principal string // of the names that case lines have, and of ARNs
	Action    string
}

// stranger is how a table calls those of any other account.
const stranger = "any other account"

// WhoCan lists for each principal of the world, and for those of an account
// that it does not have, whether and when it can do one of some actions on a
// resource: key/NAME, an alias, the ARN of a key; or "" for actions on none.
// Patterns stand for all actions that they match. Config.Adjust has no say. An
// error that is a caseline.Error says what does not exist.
func WhoCan(ctx context.Context, b *Base, actions []string, resource string, f Filter) (Table, error) {
	asked, err := b.expand(actions)
	if err != nil {
		return Table{}, err
	}
	var keys []*world.Key
	if resource != "" && resource != "*" {
		k, err := b.keyNamed(resource)
		if err != nil {
			return Table{}, err
		}
		keys = []*world.Key{k}
		if asked, err = onKeys(asked, resource, true); err != nil {
			return Table{}, err
		}
	} else {
		if asked, err = onKeys(asked, resource, false); err != nil {
			return Table{}, err
		}
		for _, a := range b.cfg.World.Accounts() {
			keys = append(keys, b.anyKey(a))
		}
	}
	t := &tabulator{ctx: ctx, b: b, filter: f}
	for _, k := range keys {
		if err := t.key(k, asked, func(analysis.Caller) bool { return true }); err != nil {
			return Table{}, err
		}
	}
	return t.table(), nil
}

// WhatCan lists what a principal, named as in case lines, can do: on a key, or
// with resource "" on all keys of the world and with operations on none.
func WhatCan(ctx context.Context, b *Base, principal, resource string, f Filter) (Table, error) {
	keys := b.cfg.World.Keys()
	if resource != "" {
		k, err := b.keyNamed(resource)
		if err != nil {
			return Table{}, err
		}
		keys = []*world.Key{k}
	}
	f.Action = ofKMS(f.Action)
	var onKey, onNone []string
	for _, a := range policy.Actions {
		switch {
		case !asks(a) || !matches(f.Action, a.Name):
		case a.On(policy.KeyResource):
			onKey = append(onKey, a.Name)
		case len(a.Resources) == 0:
			onNone = append(onNone, a.Name)
		}
	}
	if len(onKey)+len(onNone) == 0 {
		return Table{}, b.notListed(f.Action)
	}
	t := &tabulator{ctx: ctx, b: b, filter: f}
	is := func(c analysis.Caller) bool { return b.isCalled(c, principal) }
	if resource == "" {
		for _, a := range b.cfg.World.Accounts() {
			if err := t.key(b.anyKey(a), onNone, is); err != nil {
				return Table{}, err
			}
		}
	}
	for _, k := range keys {
		if err := t.key(k, onKey, is); err != nil {
			return Table{}, err
		}
	}
	if f.Action == "" {
		t.note("These are the actions of kms; explain answers about others, such as sts:AssumeRole.")
	}
	if !t.met {
		return Table{}, caseline.Error{Message: fmt.Sprintf("there is no principal %s in this world%s", principal,
			cmp.Or(b.asker.Meant(principal), fmt.Sprintf("; name it root@ACCOUNT, user/NAME, role/NAME, federated/NAME, web/NAME, service/NAME or by ARN, or ask about %q", stranger)))}
	}
	return t.table(), nil
}

// expand lists the actions that patterns stand for; without a service they are
// those of kms.
func (b *Base) expand(patterns []string) ([]string, error) {
	var all []string
	for _, p := range patterns {
		p = ofKMS(p)
		found := policy.ExpandAction(p)
		if len(found) == 0 {
			return nil, b.noAction(p)
		}
		for _, name := range found {
			if a, _ := policy.ActionNamed(name); asks(a) && !contains(all, name) {
				all = append(all, name)
			}
		}
	}
	if len(all) == 0 {
		return nil, caseline.Error{Message: strings.Join(patterns, ", ") + ": only actions of kms are about keys; explain answers about others"}
	}
	return all, nil
}

// noAction is the error about an action that does not exist, with the one that
// was meant, if that can be told.
// notListed is about a pattern of which no action is in the tables.
func (b *Base) notListed(pattern string) error {
	if len(policy.ExpandAction(pattern)) == 0 {
		return b.noAction(pattern)
	}
	return caseline.Error{Message: pattern + ": only actions of kms are listed; explain answers about others"}
}

func (b *Base) noAction(name string) error {
	if accounts := b.cfg.World.Accounts(); len(accounts) > 0 {
		_, err := b.Question(caseline.Request{Principals: []caseline.Word{{Text: "root@" + accounts[0].ID}}, Actions: []caseline.Word{{Text: name}}})
		if err != nil {
			return err
		}
	}
	return caseline.Error{Message: "there is no action " + name}
}

// ofKMS is a pattern of actions, which without a service are those of kms.
func ofKMS(pattern string) string {
	if pattern == "" || pattern == "*" || strings.Contains(pattern, ":") {
		return pattern
	}
	return "kms:" + pattern
}

// asks tells whether an operation of kms asks for an action.
func asks(a policy.Action) bool { return strings.HasPrefix(a.Name, "kms:") && a.Operation != "" }

// onKeys are those of some actions that are about keys, or those that are about
// no resource.
func onKeys(actions []string, resource string, keys bool) ([]string, error) {
	kept := slices.DeleteFunc(slices.Clone(actions), func(name string) bool {
		a, _ := policy.ActionNamed(name)
		return a.On(policy.KeyResource) != keys || !keys && len(a.Resources) > 0
	})
	switch {
	case len(kept) > 0:
		return kept, nil
	case keys:
		return nil, caseline.Error{Message: actions[0] + " is about no key: leave " + resource + " out"}
	}
	return nil, caseline.Error{Message: actions[0] + " is about a key: add key/NAME"}
}

// keyNamed finds a key by what case lines call it: key/NAME, key/ID, alias/NAME,
// each also with @ACCOUNT, or an ARN.
func (b *Base) keyNamed(name string) (*world.Key, error) {
	text, account, _ := strings.Cut(name, "@")
	var found []*world.Key
	for _, k := range b.cfg.World.Keys() {
		if account != "" && k.Account != account && b.accountName(k.Account) != account {
			continue
		}
		if contains([]string{"key/" + k.Name, "key/" + k.ID, k.ARN}, text) || contains(k.Aliases, text) {
			found = append(found, k)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, caseline.Error{Message: "there is no key " + name + " in this world" + cmp.Or(b.asker.Meant(name), "; name it key/NAME, alias/NAME or by ARN")}
	}
	var names []string
	for _, k := range found {
		names = append(names, b.keyName(k))
	}
	return nil, caseline.Error{Message: fmt.Sprintf("%d keys are called %s: %s", len(found), name, strings.Join(names, ", "))}
}

// anyKey is a key of an account, or one that it does not have: what is about no
// resource does not depend on it.
func (b *Base) anyKey(a *world.Account) *world.Key {
	if len(a.Keys) > 0 {
		return a.Keys[0]
	}
	region := b.cfg.World.Regions()[0]
	if len(a.Regions) > 0 {
		region = a.Regions[0]
	}
	return &world.Key{Account: a.ID, Region: region, Name: "none", ID: "none", State: "Enabled", Spec: "SYMMETRIC_DEFAULT", Usage: "ENCRYPT_DECRYPT",
		Origin: "AWS_KMS", ARN: "arn:" + b.cfg.World.Partition() + ":kms:" + region + ":" + a.ID + ":key/none"}
}

// A tabulator gathers the rows of a table.
type tabulator struct {
	ctx    context.Context
	b      *Base
	filter Filter
	met    bool // somebody was asked about
	rows   []Access
	notes  []string
	tagged map[string][]taggedSession // by role and key
}

// key asks about one key. What is about no resource is asked of the callers of
// its account only.
func (t *tabulator) key(k *world.Key, actions []string, who func(analysis.Caller) bool) error {
	u, err := analysis.OfKey(t.b.cfg.World, k, analysis.Config{Engine: t.b.cfg.Engine, Now: t.b.cfg.Now})
	if err != nil {
		return err
	}
	callers := u.Callers()
	for _, action := range actions {
		a, _ := policy.ActionNamed(action)
		if !matches(t.filter.Action, action) {
			continue
		}
		for _, c := range callers {
			if !who(c) {
				continue
			}
			t.met = true
			name := t.b.callerName(c)
			if !matches(t.filter.Principal, name) && (c.Outside || !matches(t.filter.Principal, c.ARN)) || len(a.Resources) == 0 && c.Account != k.Account {
				continue
			}
			row, err := t.row(u, c, k, &a)
			if err == nil && row.Resource != "*" {
				row, err = t.withTags(row, c, k)
			}
			if err != nil {
				return err
			}
			if (c.Member || c.Outside && !c.Fresh) && row.Verdict == Never { // one that some policy tells apart, to no effect
				continue
			}
			t.rows = append(t.rows, row)
		}
	}
	t.sessions(callers)
	if k.State != "Enabled" && slices.ContainsFunc(t.rows, func(r Access) bool { return r.Verdict != Never && r.Resource == t.b.keyName(k) }) {
		t.note(fmt.Sprintf("%s is %s: while it is, the service refuses most uses of it, permission or not.", t.b.keyName(k), k.State))
	}
	return nil
}

// sessions notes that sessions of roles may bring what tables take from the
// roles.
func (t *tabulator) sessions(callers []analysis.Caller) {
	reads := func(d *policy.Document) bool {
		return slices.ContainsFunc(d.Statements, func(s policy.Statement) bool {
			return slices.ContainsFunc(s.Conditions, func(c policy.Condition) bool {
				return strings.HasPrefix(c.Key, "aws:principaltag/") || c.Key == "aws:sourceidentity"
			})
		})
	}
	isRole := func(c analysis.Caller) bool { return c.Type == decision.Role && !c.Outside && !c.Member }
	for d := range t.b.places {
		if reads(d) && slices.ContainsFunc(callers, isRole) {
			t.note("Sessions of roles may bring tags, if the trust policy allows sts:TagSession; with other tags, a source identity or a session policy they may be allowed less.")
			return
		}
	}
}

func (t *tabulator) note(text string) {
	if !contains(t.notes, text) {
		t.notes = append(t.notes, text)
	}
}

// row asks whether and when one caller can do one thing.
func (t *tabulator) row(u *analysis.Universe, c analysis.Caller, k *world.Key, a *policy.Action) (Access, error) {
	row := Access{Principal: t.b.callerName(c), ARN: c.ARN, Action: a.Name, Resource: "*", Anyone: c.Outside}
	if len(a.Resources) > 0 {
		row.Resource = t.b.keyName(k)
	}
	if a.Name == "kms:RetireGrant" {
		return t.b.retires(t.ctx, row, k)
	}
	access, err := u.Access(t.ctx, c, a.Name)
	var differs *analysis.Disagreement
	switch {
	case errors.As(err, &differs) && differs.Decision.Layer == decision.LayerGuardrail:
		row.Verdict, row.Why = Unknown, "a guardrail of the organization refuses some of what policies allow"
		return row, nil
	case err != nil:
		return row, err
	}
	for _, w := range access.Ways {
		if slices.ContainsFunc(w.Witness.Decision.Evidence().Layers, func(l decision.LayerEvidence) bool { return l.Layer == decision.LayerGuardrail }) {
			t.note("Guardrails took part in the requests that were tried. They may refuse others, for they are no policies that can be analysed.")
		}
		way := t.b.way(w)
		if (c.Outside || c.Member) && way.Through == decision.LayerIdentity { // whose IAM policies are made up
			way.Through = decision.LayerResource
			way.By = slices.DeleteFunc(way.By, func(s Statement) bool { return s.Layer != decision.LayerResource })
		}
		if len(way.When) == 0 {
			row.Ways = append([]Way{way}, row.Ways...)
		} else {
			row.Ways = append(row.Ways, way)
		}
	}
	if c.Type == decision.Service {
		if row.Ways = t.b.mandated(t.ctx, c, row); len(access.Ways) > 0 && len(row.Ways) == 0 {
			row.Verdict, row.Why = Never, "the world does not let the service act so: see its acts-for"
			return row, nil
		}
	}
	switch {
	case len(row.Ways) > 0 && len(row.Ways[0].When) == 0:
		row.Verdict, row.Ways = Always, row.Ways[:1]
	case access.Unknown != "":
		row.Verdict, row.Why = Unknown, access.Unknown
	case len(row.Ways) > 0:
		row.Verdict = When
	default:
		row.Verdict, row.Why = Never, t.b.because(t.ctx, row)
	}
	return row, nil
}
