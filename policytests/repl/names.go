package repl

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/repl/draft"
)

// cutAccount takes NAME@ACCOUNT apart, if there is such an account.
func cutAccount(w *world.World, name string) (string, *world.Account) {
	i := strings.LastIndexByte(name, '@')
	if i < 0 {
		return name, nil
	}
	for _, a := range w.Accounts() {
		if in := name[i+1:]; in != "" && (a.ID == in || a.Name == in) {
			return name[:i], a
		}
	}
	return name, nil
}

// only finds the one account in which a name stands for something.
func (s *Session) only(name string, has func(a *world.Account, name string) bool) (*world.Account, string, error) {
	bare, in := cutAccount(s.current.world, name)
	var found []*world.Account
	for _, a := range s.current.world.Accounts() {
		if (in == nil || in == a) && has(a, bare) {
			found = append(found, a)
		}
	}
	switch len(found) {
	case 0:
		return nil, bare, misuse("there is no %s in this world", name)
	case 1:
		return found[0], bare, nil
	}
	return nil, bare, misuse("%d accounts have a %s; add @ACCOUNT", len(found), name)
}

// key finds a key by key/NAME, key/ID, alias or ARN.
func (s *Session) key(word string) (*world.Key, error) {
	var found *world.Key
	matches := func(k *world.Key, name string) bool {
		rest, byName := strings.CutPrefix(name, "key/")
		return k.ARN == word || byName && (k.Name == rest || k.ID == rest) || slices.Contains(k.Aliases, name)
	}
	a, bare, err := s.only(word, func(a *world.Account, name string) bool {
		return slices.ContainsFunc(a.Keys, func(k *world.Key) bool { return matches(k, name) })
	})
	if err != nil {
		return nil, err
	}
	for _, k := range a.Keys {
		switch {
		case !matches(k, bare):
		case found != nil:
			return nil, misuse("%s has several keys %s; name one by its ARN", a.ID, bare)
		default:
			found = k
		}
	}
	return found, nil
}

// keyOf is the key as drafts name it.
func keyOf(k *world.Key) draft.Key { return draft.Key{Account: k.Account, Name: k.Name} }

// arn is the ARN of a user, role, root user or listed session, or a service's
// name.
func (s *Session) arn(word string) (string, error) {
	if strings.HasPrefix(word, "arn:") {
		return word, nil
	}
	if service, ok := strings.CutPrefix(word, "service/"); ok {
		return service, nil
	}
	arn := ""
	_, _, err := s.only(word, func(a *world.Account, name string) bool {
		found := arnIn(s.current.world, a, name)
		if found != "" {
			arn = found
		}
		return found != ""
	})
	return arn, err
}

func arnIn(w *world.World, a *world.Account, name string) string {
	kind, rest, _ := strings.Cut(name, "/")
	switch kind {
	case "root":
		return a.RootARN(w.Partition())
	case "user":
		for _, u := range a.Users {
			if u.Name == rest {
				return u.ARN
			}
		}
	case "role":
		if r := w.RoleByName(a.ID, rest); r != nil {
			return r.ARN
		}
	case "federated":
		for _, f := range a.Federated {
			if f.Name == rest {
				return f.ARN
			}
		}
	case "web":
		for _, i := range a.Identities {
			if i.Name == rest {
				return i.ARN
			}
		}
	}
	return ""
}

// inline tells for each kind of principal where its policies stand in a world.
var inline = map[string]draft.Place{
	"user": draft.OfUser, "role": draft.OfRole, "group": draft.OfGroup, "federated": draft.OfFederated, "web": draft.OfWeb,
}

// slot finds the place of a policy that a command names: key/NAME, role/NAME
// trust, role/NAME POLICY, managed/NAME, scp/NAME, endpoint/ID and so on.
func (s *Session) slot(w []string) (draft.Slot, error) {
	if len(w) == 0 {
		return draft.Slot{}, misuse("which policy? %s", slotForms)
	}
	kind, name, _ := strings.Cut(w[0], "/")
	switch {
	case strings.HasPrefix(w[0], "key/"), strings.HasPrefix(w[0], "alias/"), strings.HasPrefix(w[0], "arn:"):
		k, err := s.key(w[0])
		if err != nil || len(w) > 1 {
			return draft.Slot{}, orExtra(err, w[1:])
		}
		return draft.Slot{Place: draft.OfKey, Account: k.Account, Name: k.Name}, nil
	case kind == "endpoint" && len(w) == 1:
		return draft.Slot{Place: draft.OfEndpoint, Name: name}, nil
	case kind == "scp" || kind == "rcp":
		return guardrailSlot(kind, name, w[1:])
	case kind == "managed" && len(w) == 1:
		return s.managedSlot(w[0])
	case inline[kind] != 0 && len(w) == 2:
		return s.inlineSlot(kind, w[0], w[1])
	case inline[kind] != 0:
		return draft.Slot{}, misuse("%s can have several policies: add the name of one%s", w[0], s.policyNames(kind, name))
	}
	return draft.Slot{}, misuse("%s is no place of a policy; %s", strings.Join(w, " "), slotForms)
}

// policyNames are the policies that a principal has, for a message.
func (s *Session) policyNames(kind, name string) string {
	bare, _ := cutAccount(s.current.world, name)
	var names []string
	for _, p := range s.places() {
		switch {
		case p.slot.Name != bare:
		case p.slot.Place == draft.OfTrust && kind == "role":
			names = append(names, "trust")
		case p.slot.Place == inline[kind]:
			names = append(names, p.slot.Policy)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "; there are " + strings.Join(names, ", ")
}

const slotForms = "a policy is key/NAME, role/NAME trust, role/NAME POLICY, user/NAME POLICY, group/NAME POLICY, managed/NAME, scp/NAME, rcp/NAME, endpoint/ID, or a file of the world"

func orExtra(err error, extra []string) error {
	if err != nil {
		return err
	}
	return misuse("what is %s after the key?", strings.Join(extra, " "))
}

func guardrailSlot(kind, name string, rest []string) (draft.Slot, error) {
	slot := draft.Slot{Place: draft.OfSCP, Name: name}
	if kind == "rcp" {
		slot.Place = draft.OfRCP
	}
	switch {
	case name == "":
		return slot, misuse("the %s needs a name: %s/NAME", kind, kind)
	case len(rest) == 0:
		return slot, nil
	case len(rest) == 2 && rest[0] == "on":
		slot.On = rest[1]
		return slot, nil
	}
	return slot, misuse("after %s/%s stands on and the id of a unit or account, or nothing", kind, name)
}

func (s *Session) managedSlot(word string) (draft.Slot, error) {
	a, name, err := s.only(word, func(a *world.Account, name string) bool {
		return slices.ContainsFunc(a.Managed, func(p *world.Policy) bool { return "managed/"+p.Name == name })
	})
	if err != nil {
		return draft.Slot{}, err
	}
	return draft.Slot{Place: draft.OfManaged, Account: a.ID, Name: strings.TrimPrefix(name, "managed/")}, nil
}

func (s *Session) inlineSlot(kind, word, policy string) (draft.Slot, error) {
	a, bare, err := s.only(word, func(a *world.Account, name string) bool {
		if group, ok := strings.CutPrefix(name, "group/"); ok {
			return slices.ContainsFunc(a.Groups, func(g *world.Group) bool { return g.Name == group })
		}
		return arnIn(s.current.world, a, name) != ""
	})
	if err != nil {
		return draft.Slot{}, err
	}
	slot := draft.Slot{Place: inline[kind], Account: a.ID, Name: strings.TrimPrefix(bare, kind+"/"), Policy: policy}
	if kind == "role" && policy == "trust" {
		slot.Place, slot.Policy = draft.OfTrust, ""
	}
	return slot, nil
}
