package policytests

import (
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/ask"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
	"github.com/keyreeve/keyreeve/rego/slip"
)

// With is an Asker about the same world with what lines give it besides, in
// their order. dir is the folder of the world in which files are looked up.
func (a *Asker) With(given []caseline.Given, dir string) (*Asker, error) {
	if len(given) == 0 {
		return a, nil
	}
	a.giving.Lock() // each world is made once, whoever asks for it first
	defer a.giving.Unlock()
	return a.with(given, dir)
}

// with makes the Asker for each beginning of what is given.
func (a *Asker) with(given []caseline.Given, dir string) (*Asker, error) {
	room := a
	name := dir
	for _, g := range given {
		name += "\x00" + g.Standing.Text + "\x00" + g.Text
		if next := a.givens[name]; next != nil {
			room = next
			continue
		}
		var change world.Change
		if err := facts[g.Kind.Text](room, g, dir, &change); err != nil {
			return nil, err
		}
		cfg := room.cfg
		cfg.World = room.cfg.World.With(change)
		next, err := NewAsker(cfg)
		if err != nil {
			return nil, err
		}
		a.givens[name] = next
		room = next
	}
	return room, nil
}

// rooms are the Asker and those with what lines gave.
func (a *Asker) rooms() []*Asker {
	a.giving.Lock()
	defer a.giving.Unlock()
	all := []*Asker{a}
	for _, name := range slices.Sorted(maps.Keys(a.givens)) {
		all = append(all, a.givens[name])
	}
	return all
}

// facts turn what a line gives into a change of the world.
var facts = map[string]func(*Asker, caseline.Given, string, *world.Change) error{
	"grant":    (*Asker).givenGrant,
	"tag":      (*Asker).givenTag,
	"alias":    (*Asker).givenAlias,
	"policy":   (*Asker).givenPolicy,
	"boundary": (*Asker).givenBoundary,
	"endpoint": (*Asker).givenEndpoint,
	"service":  (*Asker).givenService,
}

// given is a copy of the key that a line gives something to.
func (a *Asker) given(w, account caseline.Word) (*world.Key, error) {
	k, err := a.key(w, account.Text, "")
	if err != nil {
		return nil, err
	}
	if k == nil {
		return nil, failf(w, "there is no key %s in this world", w.Text)
	}
	n := *k
	return &n, nil
}

func (a *Asker) givenGrant(g caseline.Given, _ string, c *world.Change) error {
	grant := &world.Grant{Name: g.Name.Text, Equals: constraint(g.Equals), Subset: constraint(g.Subset)}
	var err error
	for _, party := range []struct {
		word caseline.Word
		to   *string
	}{{g.To, &grant.Grantee}, {g.Retiree, &grant.Retiree}} {
		if party.word.Text == "" {
			continue
		}
		if *party.to, err = a.partyARN(party.word, g.Standing); err != nil {
			return err
		}
	}
	for _, w := range g.Operations {
		operation := strings.TrimPrefix(w.Text, "kms:")
		if !slices.Contains(grantable, operation) {
			return failf(w, "a grant cannot allow %s%s", w.Text, slip.Meant(operation, grantable))
		}
		grant.Operations = append(grant.Operations, operation)
	}
	for _, w := range g.On {
		k, err := a.given(w, g.Standing)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(k.Grants, func(other *world.Grant) bool { return other.Name == grant.Name }) {
			return failf(g.Name, "%s has a grant %s already", w.Text, grant.Name)
		}
		k.Grants = append(slices.Clip(k.Grants), grant)
		c.Keys = append(c.Keys, k)
	}
	return nil
}

// grantable are the operations of the API that a grant can allow: CreateGrant,
// Operations.
var grantable = []string{
	"Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo", "Sign", "Verify",
	"GetPublicKey", "CreateGrant", "RetireGrant", "DescribeKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
	"GenerateMac", "VerifyMac", "DeriveSharedSecret",
}

func constraint(pairs []caseline.Pair) map[string]string {
	all := map[string]string{}
	for _, p := range pairs {
		all[p.Key] = p.Values[0]
	}
	return nonEmpty(all)
}

// partyARN is the ARN, or the service's name, by which a grant knows a
// principal.
func (a *Asker) partyARN(w, account caseline.Word) (string, error) {
	if _, known := identity.Party(a.cfg.World, w.Text); known {
		return w.Text, nil
	}
	o, err := a.owner(w, account)
	switch {
	case err != nil:
		return "", err
	case o.role != nil:
		return o.role.ARN, nil
	case o.key.Service != "":
		return o.key.Service, nil
	case o.key.Root:
		acc, _ := a.cfg.World.Account(o.key.Account) // an owner's account exists
		return acc.RootARN(a.cfg.World.Partition()), nil
	}
	c, err := a.longTerm(o, w, caseline.Session{}, a.cfg.Now)
	return c.ARN, err
}

// attach gives something to each key, user or role.
func (a *Asker) attach(words []caseline.Word, account caseline.Word, c *world.Change,
	key func(*world.Key) error, user func(*world.User) error, role func(*world.Role) error,
) error {
	for _, w := range words {
		if strings.HasPrefix(w.Text, "key/") || strings.HasPrefix(w.Text, "alias/") || strings.Contains(w.Text, ":kms:") {
			k, err := a.given(w, account)
			if err != nil {
				return err
			}
			if err := key(k); err != nil {
				return err
			}
			c.Keys = append(c.Keys, k)
			continue
		}
		o, err := a.owner(w, account)
		switch {
		case err != nil:
			return err
		case o.role != nil:
			n := *o.role
			err = role(&n)
			c.Roles = append(c.Roles, &n)
		case o.key.User != nil:
			n := *o.key.User
			err = user(&n)
			c.Users = append(c.Users, &n)
		default:
			err = failf(w, "here stands a key, a user or a role")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *Asker) givenTag(g caseline.Given, _ string, c *world.Change) error {
	tag := func(to *map[string]string) error {
		tags := maps.Clone(*to)
		if tags == nil {
			tags = map[string]string{}
		}
		tags[g.Tag.Key] = g.Tag.Values[0]
		*to = tags
		return nil
	}
	return a.attach(g.On, g.Standing, c,
		func(k *world.Key) error { return tag(&k.Tags) },
		func(u *world.User) error { return tag(&u.Tags) },
		func(r *world.Role) error { return tag(&r.Tags) })
}

func (a *Asker) givenAlias(g caseline.Given, _ string, c *world.Change) error {
	if !strings.HasPrefix(g.Name.Text, "alias/") {
		return failf(g.Name, "an alias is written alias/NAME")
	}
	for _, w := range g.On {
		k, err := a.given(w, g.Standing)
		if err != nil {
			return err
		}
		for _, other := range a.cfg.World.Keys() {
			if other.Account == k.Account && other.Region == k.Region && slices.Contains(other.Aliases, g.Name.Text) {
				return failf(g.Name, "key/%s has the alias %s already", other.Name, g.Name.Text)
			}
		}
		k.Aliases = append(slices.Clip(k.Aliases), g.Name.Text)
		c.Keys = append(c.Keys, k)
	}
	return nil
}

// document reads a policy that a line gives.
func (a *Asker) document(w caseline.Word, kind policy.Kind, account, dir string) (*world.Policy, error) {
	text, err := a.file(w, dir)
	if err != nil {
		return nil, err
	}
	read, err := ask.ReadPolicy(a.cfg.World, kind, text)
	if err != nil {
		return nil, failf(w, "%s: %v", w.Text, err)
	}
	return &world.Policy{Name: w.Text, Account: account, Document: read.Document, Principals: read.Principals, File: path.Join(dir, w.Text)}, nil
}

func (a *Asker) givenPolicy(g caseline.Given, dir string, c *world.Change) error {
	return a.attach(g.On, g.Standing, c,
		func(k *world.Key) (err error) {
			k.Policy, err = a.document(g.Name, policy.Key, k.Account, dir)
			return err
		},
		func(u *world.User) error { return a.inline(&u.Inline, g.Name, u.Account, dir) },
		func(r *world.Role) error { return a.inline(&r.Inline, g.Name, r.Account, dir) })
}

// inline adds a policy to those of a principal.
func (a *Asker) inline(to *[]*world.Policy, w caseline.Word, account, dir string) error {
	p, err := a.document(w, policy.Identity, account, dir)
	*to = append(slices.Clip(*to), p)
	return err
}

func (a *Asker) givenBoundary(g caseline.Given, dir string, c *world.Change) error {
	return a.attach(g.On, g.Standing, c,
		func(*world.Key) error { return failf(g.On[0], "a user or a role has a boundary, not a key") },
		func(u *world.User) (err error) {
			u.Boundary, err = a.document(g.Name, policy.Boundary, u.Account, dir)
			return err
		},
		func(r *world.Role) (err error) {
			r.Boundary, err = a.document(g.Name, policy.Boundary, r.Account, dir)
			return err
		})
}

func (a *Asker) givenEndpoint(g caseline.Given, dir string, c *world.Change) error {
	e := world.Endpoint{ID: g.Name.Text, VPC: g.VPC.Text, Region: a.cfg.World.Regions()[0]}
	if before, known := a.cfg.World.Endpoint(e.ID); known {
		e = *before
	} else if e.VPC == "" {
		e.VPC = "vpc-" + strings.TrimPrefix(e.ID, "vpce-")
	}
	if g.VPC.Text != "" {
		e.VPC = g.VPC.Text
	}
	for _, w := range g.Regions {
		e.Region = w.Text
	}
	acc, err := a.accountOf(g.Account, g.Standing, e.Account)
	if errors.Is(err, errSeveralAccounts) {
		return failf(g.Name, "%v", err)
	}
	if err != nil {
		return err
	}
	e.Account = acc
	if !a.cfg.World.Offers(e.Account, e.Region) {
		return failf(g.Name, "account %s does not have the Region %s", e.Account, e.Region)
	}
	if g.Policy.Text != "" {
		if e.Policy, err = a.document(g.Policy, policy.Endpoint, e.Account, dir); err != nil {
			return err
		}
	}
	c.Endpoints = append(c.Endpoints, e)
	return nil
}

var errSeveralAccounts = errors.New("this world has several accounts; say which: of ACCOUNT")

// accountOf is the account that a line names, else the one before, else the
// one that the lines work in, else the only one.
func (a *Asker) accountOf(w, standing caseline.Word, before string) (string, error) {
	if w.Text == "" && before != "" {
		return before, nil
	}
	if w.Text == "" {
		w = standing
	}
	if w.Text == "" {
		if all := a.cfg.World.Accounts(); len(all) == 1 {
			return all[0].ID, nil
		}
		return "", errSeveralAccounts
	}
	acc, known := a.account(w.Text)
	if !known {
		return "", failf(w, "there is no account %s in this world", w.Text)
	}
	return acc.ID, nil
}

func (a *Asker) givenService(g caseline.Given, _ string, c *world.Change) error {
	s := world.Service{Principal: g.Name.Text}
	if before, known := a.cfg.World.Service(s.Principal); known {
		s = *before
	}
	m := world.Mandate{Regions: a.cfg.World.Regions(), Actions: []string{"*"}}
	for _, acc := range a.cfg.World.Accounts() {
		m.Accounts = append(m.Accounts, acc.ID)
	}
	if len(g.Accounts) > 0 {
		m.Accounts = nil
		for _, w := range g.Accounts {
			acc, err := a.accountOf(w, w, "")
			if err != nil {
				return err
			}
			m.Accounts = append(m.Accounts, acc)
		}
	}
	if len(g.Regions) > 0 {
		m.Regions = wordTexts(g.Regions)
	}
	if len(g.Actions) > 0 {
		m.Actions = wordTexts(g.Actions)
	}
	s.ActsFor = append(slices.Clip(s.ActsFor), m)
	c.Services = append(c.Services, s)
	return nil
}

func wordTexts(words []caseline.Word) []string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = w.Text
	}
	return all
}
