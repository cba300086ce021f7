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
// of any other: of the encryption context, or of the tags of a request.
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
	if written := sp.written(prefix, namesKey, name); len(written) > 1 {
		d.twins(key, written, c.values[0], max(2, len(sp.conditions[namesKey])))
	}
	sp.dims[key] = d
	return d
}

// written are the spellings of a name that policies have in full.
func (sp *space) written(prefix, namesKey, name string) []string {
	var all []string
	for _, c := range sp.conditions[prefix+name] {
		all = append(all, c.source.KeyText[len(prefix):])
	}
	for _, c := range sp.conditions[namesKey] {
		for _, o := range c.operands {
			if text, only := o.value.Literal(); only && strings.EqualFold(text, name) {
				all = append(all, text)
			}
		}
	}
	return unique(all)
}

// maxSpellings bounds those of one name that are tried together.
const maxSpellings = 4

// twins adds requests that bring several spellings of a name at once. What is
// said of the value of a name then holds of several values. Most is how many at
// once conditions can tell from fewer.
func (d *dimension) twins(key string, spellings []string, value string, most int) {
	if len(spellings) > maxSpellings && d.limit == "" {
		d.limit = "too many spellings of " + key
	}
	spellings = spellings[:min(len(spellings), maxSpellings)]
	for set := range 1 << len(spellings) {
		var names []string
		for i, s := range spellings {
			if set&(1<<i) != 0 {
				names = append(names, s)
			}
		}
		if len(names) < 2 || len(names) > most {
			continue
		}
		slices.Sort(names)
		o := option{name: names[0], value: value, also: names[1:]}
		pairs := o.pairs()
		var values []string
		for _, n := range names {
			values = append(values, pairs[n])
		}
		o.keys = map[string][]string{key: values}
		d.options = append(d.options, o)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
