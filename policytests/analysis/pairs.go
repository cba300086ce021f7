package analysis

import (
	"slices"
	"strings"
)

// A named is a name of pairs, with the spellings and values to be tried.
type named struct {
	spellings, values []string
}

// constraints are the pairs that grants ask for.
func (sp *space) constraints() map[string]named {
	all := map[string]named{}
	for _, u := range sp.universes {
		for _, r := range u.resources {
			for _, g := range r.grants {
				for _, pairs := range []map[string]string{g.Equals, g.Subset} {
					for name, value := range pairs {
						n := all[strings.ToLower(name)]
						n.spellings, n.values = append(n.spellings, name), append(n.values, value)
						all[strings.ToLower(name)] = n
					}
				}
			}
		}
	}
	return all
}

// pairs makes a dimension of each name of pairs that policies speak of, and one
// of any other: of the encryption context, or of the tags of a request. Two
// names that differ only in case are not tried together.
func (sp *space) pairs(prefix, namesKey string, extra map[string]named) []*dimension {
	names := map[string]named{}
	for name, n := range extra {
		slices.Sort(n.spellings)
		slices.Sort(n.values)
		names[name] = n
	}
	for key, conditions := range sp.conditions {
		if name, ok := strings.CutPrefix(key, prefix); ok {
			n := names[name]
			for _, c := range conditions {
				n.spellings = append(n.spellings, c.source.KeyText[len(prefix):])
			}
			names[name] = n
		}
	}
	for key := range sp.variables {
		if name, ok := strings.CutPrefix(key, prefix); ok {
			n := names[name]
			n.spellings = append(n.spellings, name)
			names[name] = n
		}
	}
	if asked := sp.conditions[namesKey]; len(asked) > 0 || len(extra) > 0 {
		c := choose(asked, domain{form: anyForm, seeds: []string{"other-name"}}, nil)
		if !c.complete {
			sp.limits[namesKey] = "too many combinations of the patterns on " + namesKey
		}
		for _, spelling := range c.values {
			n := names[strings.ToLower(spelling)]
			n.spellings = append(n.spellings, spelling)
			names[strings.ToLower(spelling)] = n
		}
	}
	var dims []*dimension
	for _, name := range sortedKeys(names) {
		if asked := sp.conditions[namesKey]; len(asked) > 0 { // which may tell spellings apart
			n := names[name]
			n.spellings = append(n.spellings, choose(asked, domain{form: literal(name).folded(), seeds: n.spellings}, nil).values...)
			names[name] = n
		}
		dims = append(dims, sp.pair(prefix, namesKey, name, names[name]))
	}
	return dims
}

// pair is the dimension of one name: absent, or there with one of its values.
func (sp *space) pair(prefix, namesKey, name string, n named) *dimension {
	key := prefix + name
	c := choose(sp.conditions[key], domainOf(key), append(sp.more(key), n.values...))
	spellings := []string{}
	for _, s := range n.spellings {
		if !slices.Contains(spellings, s) {
			spellings = append(spellings, s)
		}
	}
	d := &dimension{id: conditionIDs.Add(1), name: key, keys: []string{key}, options: []option{{}}}
	if !c.complete {
		d.limit = "too many combinations of the patterns on " + key
	}
	if d.limit == "" {
		d.limit = sp.limits[namesKey]
	}
	for _, s := range spellings {
		for _, v := range c.values {
			d.options = append(d.options, option{keys: map[string][]string{key: {v}}, name: s, value: v})
		}
	}
	sp.dims[key] = d
	return d
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
