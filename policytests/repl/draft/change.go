package draft

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Change makes a draft of another. It can be made again on a newer version
// of the same world; an error says why it does not fit there.
type Change interface {
	Apply(Draft) (Draft, error)
	// String is the change in a few words, for people.
	String() string
}

// A Key says which key of a world is meant.
type Key struct{ Account, Name string }

// String is the key as case lines write it.
func (k Key) String() string { return "key/" + k.Name + "@" + k.Account }

func (d Draft) key(k Key) (tree, *yaml.Node, error) {
	t, n, err := d.find("accounts", k.Account, "keys", k.Name)
	if err != nil {
		return t, n, fmt.Errorf("the world has no %s", k)
	}
	return t, n, nil
}

// A Grant adds a grant to a key.
type Grant struct {
	Key        Key
	Name       string
	Grantee    string // ARN, or as worlds write it: role/NAME, user/NAME, root
	Retiree    string // empty: none
	Operations []string
	Equals     map[string]string
	Subset     map[string]string
}

// Apply adds the grant. A second one of the same name is an error.
func (g Grant) Apply(d Draft) (Draft, error) {
	t, key, err := d.key(g.Key)
	if err != nil {
		return d, err
	}
	grants := mapping(key, "grants")
	if field(grants, g.Name) != nil {
		return d, fmt.Errorf("%s has a grant %s already; revoke it first, or add name NAME", g.Key, g.Name)
	}
	n := &yaml.Node{Kind: yaml.MappingNode}
	set(n, "grantee", textNode(g.Grantee))
	if g.Retiree != "" {
		set(n, "retiree", textNode(g.Retiree))
	}
	operations := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, o := range g.Operations {
		operations.Content = append(operations.Content, textNode(o))
	}
	set(n, "operations", operations)
	for name, pairs := range map[string]map[string]string{"equals": g.Equals, "subset": g.Subset} {
		if len(pairs) > 0 {
			set(n, name, pairsNode(pairs))
		}
	}
	set(grants, g.Name, n)
	return d.keep(t)
}

func pairsNode(pairs map[string]string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, name := range slices.Sorted(maps.Keys(pairs)) {
		set(n, name, textNode(pairs[name]))
	}
	return n
}

// String is the command that adds the grant.
func (g Grant) String() string {
	return fmt.Sprintf("grant %s [%s] on %s name %s", g.Grantee, strings.Join(g.Operations, ", "), g.Key, g.Name)
}

// A Revoke takes a grant from a key.
type Revoke struct {
	Key  Key
	Name string
}

// Apply takes the grant away.
func (r Revoke) Apply(d Draft) (Draft, error) {
	t, key, err := d.key(r.Key)
	if err != nil {
		return d, err
	}
	if !remove(field(key, "grants"), r.Name) {
		return d, fmt.Errorf("%s has no grant %s", r.Key, r.Name)
	}
	return d.keep(t)
}

// String is the command that takes the grant away.
func (r Revoke) String() string { return "revoke " + r.Name + " on " + r.Key.String() }

// A File adds a file to the world, or replaces it.
type File struct{ Name, Text string }

// Apply puts the file in.
func (f File) Apply(d Draft) (Draft, error) { return d.With(f.Name, f.Text), nil }

// String says which file it is.
func (f File) String() string { return "file " + f.Name }

// A Policy puts a policy in its place in the world.
type Policy struct {
	Slot Slot
	Text string
}

// Apply puts the policy in the file that the world names there, if it names it
// nowhere else, else in a file of its own.
func (p Policy) Apply(d Draft) (Draft, error) {
	holder, err := p.Slot.holder(d)
	if err != nil {
		return d, err
	}
	if f, own := d.ownFile(holder); own {
		return d.With(f, p.Text), nil
	}
	name := d.free(folder(holder.file), p.Slot.fileName())
	if err := holder.put(textNode(strings.TrimPrefix(name, folder(holder.file)))); err != nil {
		return d, err
	}
	return d.With(name, p.Text).keep(holder.tree)
}

// String says where the policy was put.
func (p Policy) String() string { return "policy " + p.Slot.String() }

// A Detach takes a policy from its place.
type Detach struct{ Slot Slot }

// Apply takes the policy away. For a key the default policy remains, for an
// endpoint full access.
func (x Detach) Apply(d Draft) (Draft, error) {
	holder, err := x.Slot.holder(d)
	if err != nil {
		return d, err
	}
	if holder.value() == nil {
		return d, fmt.Errorf("there is no policy %s", x.Slot)
	}
	holder.drop()
	return d.keep(holder.tree)
}

// String is the command that takes the policy away.
func (x Detach) String() string { return "policy " + x.Slot.String() + " none" }
