package compare

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/analysis"
)

// worlds compares two worlds key by key; an empty path: one does not exist.
func (c *comparer) worlds(ctx context.Context, name, oldPath, newPath string) error {
	old, err := load(oldPath)
	if err != nil {
		return err
	}
	new, err := load(newPath)
	if err != nil {
		return err
	}
	if old != nil && new != nil && old.Digest() == new.Digest() {
		return nil
	}
	roles, others := rolesOf(old), rolesOf(new)
	for _, role := range names(sorted(roles), sorted(others)) {
		if err := c.role(ctx, name, role, old, new, roles[role], others[role]); err != nil {
			return err
		}
	}
	a, b := keysOf(old), keysOf(new)
	for _, key := range names(sorted(a), sorted(b)) {
		if err := c.key(ctx, name, key, old, new, a[key], b[key]); err != nil {
			return err
		}
	}
	places, more := placesOf(old), placesOf(new)
	for _, at := range names(sorted(places), sorted(more)) {
		if err := c.account(ctx, name, at, old, new, places[at], more[at]); err != nil {
			return err
		}
	}
	if actions := foreignOf(old).changed(foreignOf(new)); len(actions) > 0 {
		c.unknown("%s: %s", cmp.Or(name, "the world"), notCompared(actions))
	}
	return nil
}

// load reads a world; nil if there is none.
func load(path string) (*world.World, error) {
	if path == "" {
		return nil, nil
	}
	w, err := world.Load(path, nil)
	var problems world.Problems
	if errors.As(err, &problems) {
		return nil, fmt.Errorf("the world %s is wrong:\n%w", path, problems.In(path))
	}
	return w, err
}

func sorted[V any](m map[string]V) []string {
	all := make([]string, 0, len(m))
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// keysOf are the keys of a world by what people call them.
func keysOf(w *world.World) map[string]*world.Key {
	all := map[string]*world.Key{}
	if w != nil {
		for _, k := range w.Keys() {
			all["key/"+k.Name+"@"+k.Account+" in "+k.Region] = k
		}
	}
	return all
}

// rolesOf are the roles of a world by what people call them.
func rolesOf(w *world.World) map[string]*world.Role {
	all := map[string]*world.Role{}
	if w != nil {
		for _, a := range w.Accounts() {
			for _, r := range a.Roles {
				all["role/"+r.Name+"@"+r.Account] = r
			}
		}
	}
	return all
}

// role compares who may assume one role.
func (c *comparer) role(ctx context.Context, name, role string, oldWorld, newWorld *world.World, old, new *world.Role) error {
	var pair [2]*analysis.Universe
	state := ""
	for i, r := range []*world.Role{old, new} {
		if r == nil {
			state = [2]string{"added", "removed"}[i]
			continue
		}
		u, err := analysis.OfRole([]*world.World{oldWorld, newWorld}[i], r, c.config())
		if err != nil {
			return err
		}
		pair[i] = u
	}
	d, err := analysis.Diff(ctx, pair[0], pair[1], nil)
	if err != nil {
		return fmt.Errorf("comparing %s: %w", part(name, role), err)
	}
	c.add(Part{Name: part(name, role), State: state, Difference: d})
	return nil
}

// part names a part of a world.
func part(world, name string) string {
	if world == "" {
		return name
	}
	return world + " " + name
}

// key compares what may be done with one key.
func (c *comparer) key(ctx context.Context, name, key string, oldWorld, newWorld *world.World, old, new *world.Key) error {
	var pair [2]*analysis.Universe
	var resources []string
	state := ""
	for i, k := range []*world.Key{old, new} {
		if k == nil {
			state = [2]string{"added", "removed"}[i]
			continue
		}
		w := []*world.World{oldWorld, newWorld}[i]
		u, err := analysis.OfKey(w, k, c.config())
		if err != nil {
			return err
		}
		pair[i] = u
		resources = append(resources, k.ARN)
		for _, alias := range k.Aliases {
			resources = append(resources, "arn:"+w.Partition()+":kms:"+k.Region+":"+k.Account+":"+alias)
		}
	}
	d, err := analysis.Diff(ctx, pair[0], pair[1], resources)
	if err != nil {
		return fmt.Errorf("comparing %s: %w", part(name, key), err)
	}
	c.add(Part{Name: part(name, key), State: state, Difference: d})
	return nil
}

// A place is an account in a Region.
type place struct{ account, region string }

func placesOf(w *world.World) map[string]place {
	all := map[string]place{}
	if w != nil {
		for _, a := range w.Accounts() {
			for _, region := range a.Regions {
				all["account "+a.ID+" in "+region] = place{a.ID, region}
			}
		}
	}
	return all
}

// account compares what may be done in an account without naming a key.
func (c *comparer) account(ctx context.Context, name, at string, oldWorld, newWorld *world.World, old, new place) error {
	var pair [2]*analysis.Universe
	state := ""
	for i, p := range []place{old, new} {
		if p.account == "" {
			state = [2]string{"added", "removed"}[i]
			continue
		}
		u, err := analysis.OfAccount([]*world.World{oldWorld, newWorld}[i], p.account, p.region, c.config())
		if err != nil {
			return err
		}
		pair[i] = u
	}
	d, err := analysis.Diff(ctx, pair[0], pair[1], nil)
	if err != nil {
		return fmt.Errorf("comparing %s: %w", part(name, at), err)
	}
	c.add(Part{Name: part(name, at), State: state, Difference: d})
	return nil
}
