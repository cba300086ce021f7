package draft

import (
	"fmt"
	"path"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Merge puts keys that a service told of in the place of those that the world
// lists in the same accounts; told is a world with world.yaml. What both have
// beside keys stays as this draft has it.
func (d Draft) Merge(told Draft) (Draft, error) {
	t, accounts, err := told.find("accounts")
	if err != nil {
		return d, fmt.Errorf("merging worlds: %w", err)
	}
	var ids []string
	eachField(accounts, func(id string, a *yaml.Node) {
		if field(a, "keys") != nil {
			ids = append(ids, id)
		}
	})
	if d, err = d.withoutKeys(ids); err != nil {
		return d, err
	}
	if d, err = d.withRegions(textsOf(field(t.root, "regions"))); err != nil {
		return d, err
	}
	for _, name := range []string{"version", "partition", "regions"} {
		remove(t.root, name)
	}
	if err := d.lacking(t.root, "services"); err != nil {
		return d, err
	}
	eachField(accounts, func(id string, a *yaml.Node) {
		if _, _, err := d.find("accounts", id, "name"); err == nil {
			remove(a, "name")
		}
		for _, section := range []string{"users", "roles", "federated-users"} {
			if err == nil {
				err = d.lacking(a, section, "accounts", id)
			}
		}
	})
	if err != nil {
		return d, err
	}
	return d.take(told, t)
}

// take puts the files of another draft into a folder of their own, one of them
// as it has become.
func (d Draft) take(told Draft, t tree) (Draft, error) {
	folder := "server"
	for i := 2; slices.ContainsFunc(d.Names(), func(name string) bool { return path.Dir(name) == folder }); i++ {
		folder = fmt.Sprintf("server-%d", i)
	}
	for _, name := range told.Names() {
		text, _ := told.File(name)
		if name == t.file {
			changed, err := t.text()
			if err != nil {
				return d, err
			}
			text = changed
		}
		d = d.With(path.Join(folder, name), text)
	}
	return d, nil
}

// withoutKeys takes the keys of accounts away.
func (d Draft) withoutKeys(ids []string) (Draft, error) {
	trees, err := d.trees()
	if err != nil {
		return d, err
	}
	for _, t := range trees {
		changed := false
		for _, id := range ids {
			changed = remove(walk(t.root, "accounts", id), "keys") || changed
		}
		if !changed {
			continue
		}
		if d, err = d.keep(t); err != nil {
			return d, err
		}
	}
	return d, nil
}

// withRegions adds Regions to those that the world runs in.
func (d Draft) withRegions(more []string) (Draft, error) {
	t, list, err := d.find("regions")
	if err != nil {
		trees, err := d.trees()
		if err != nil || len(trees) == 0 {
			return d, err
		}
		t, list = trees[0], &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{textNode("us-east-1")}}
		set(t.root, "regions", list)
	}
	for _, region := range more {
		if !slices.Contains(textsOf(list), region) {
			list.Content = append(list.Content, textNode(region))
		}
	}
	return d.keep(t)
}

func textsOf(list *yaml.Node) []string {
	var all []string
	if list != nil {
		for _, n := range list.Content {
			all = append(all, n.Value)
		}
	}
	return all
}

// lacking takes out of a section what this draft has below the same names.
func (d Draft) lacking(in *yaml.Node, section string, below ...string) error {
	trees, err := d.trees()
	if err != nil {
		return err
	}
	for _, t := range trees {
		eachField(walk(t.root, append(slices.Clone(below), section)...), func(name string, _ *yaml.Node) {
			remove(field(in, section), name)
		})
	}
	if s := field(in, section); s != nil && len(s.Content) == 0 {
		remove(in, section)
	}
	return nil
}
