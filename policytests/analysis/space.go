package analysis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A space holds all requests that the conditions of some policies can tell
// apart. What a request brings falls into dimensions that do not depend on each
// other; each has a list of options.
type space struct {
	universes  []*Universe
	conditions map[string][]*condition // by condition key
	variables  map[string][]*condition // by the key of a variable in them
	infos      map[string]*keyInfo
	choices    map[string]*choice
	dims       map[string]*dimension
	contexts   []*dimension // of the pairs of the encryption context
	tags       []*dimension // of the tags of the request
	// limits tells of keys whose values could not all be looked at.
	limits   map[string]string
	mixtures map[string]bool
	kinds    [][]*policy.Action // of actions
	// grantsAsked: policies, and not only rules, ask whether grants are for
	// resources of services.
	grantsAsked bool
}

// A dimension is one thing about a request.
type dimension struct {
	name    string
	keys    []string // that its options set
	options []option // the first is what requests have that say nothing of it
	// limit says why there may be more options; empty if there are not.
	limit string
	id    uint64 // never used again within the process
}

// An option is one way in which a thing can be: values of condition keys, of
// which those that are missing are absent.
type option struct {
	keys map[string][]string
	// name and value are a pair of the encryption context, or a tag.
	name, value string
	// also are further spellings of the name in the same request, each with a
	// value of its own.
	also []string
}

// pairs are those that the option brings, by name.
func (o *option) pairs() map[string]string {
	if o.name == "" {
		return nil
	}
	all := map[string]string{o.name: o.value}
	for i, spelling := range o.also {
		all[spelling] = o.value + strings.Repeat("x", i+1)
	}
	return all
}

// newSpace takes in the conditions of some universes.
func newSpace(universes ...*Universe) *space {
	sp := &space{
		universes: universes, conditions: map[string][]*condition{}, variables: map[string][]*condition{}, infos: map[string]*keyInfo{},
		choices: map[string]*choice{}, dims: map[string]*dimension{}, limits: map[string]string{},
		mixtures: map[string]bool{},
	}
	for _, u := range universes {
		for _, d := range u.all() {
			for _, s := range d.statements {
				if s.resource != nil {
					sp.take(s.resource)
				}
				for _, c := range s.conditions {
					sp.take(c)
				}
			}
		}
	}
	sp.grantsAsked = len(sp.conditions["kms:grantisforawsresource"]) > 0
	sp.contexts = sp.pairs(encryptionContext, contextKeys, sp.constraints())
	sp.tags = sp.pairs(requestTag, tagKeys, nil)
	return sp
}

func (sp *space) take(c *condition) {
	if !slices.ContainsFunc(sp.conditions[c.key], c.same) {
		sp.conditions[c.key] = append(sp.conditions[c.key], c)
	}
	for _, v := range c.vars {
		sp.variables[v] = append(sp.variables[v], c)
	}
}

func (sp *space) info(key string) *keyInfo {
	i, ok := sp.infos[key]
	if !ok {
		i = info(key)
		sp.infos[key] = i
	}
	return i
}

// choice is the values of a key that tell the conditions on it apart.
func (sp *space) choice(key string) *choice {
	if c, ok := sp.choices[key]; ok {
		if c == nil { // variables that depend on each other
			sp.limits[key] = "policy variables depend on each other through " + key
			return &choice{values: domainOf(key).seeds}
		}
		return c
	}
	sp.choices[key] = nil
	c := choose(sp.conditions[key], domainOf(key), sp.more(key))
	if !c.complete {
		sp.limits[key] = "too many combinations of the patterns on " + key
	}
	sp.choices[key] = &c
	return &c
}

// dimension makes a dimension once.
func (sp *space) dimension(name string, keys []string, options func() []option) *dimension {
	if d, ok := sp.dims[name]; ok {
		return d
	}
	d := &dimension{id: conditionIDs.Add(1), name: name, keys: keys, options: sp.distinct(options(), keys)}
	for _, k := range keys {
		if why := sp.limits[k]; why != "" {
			d.limit = why
		}
	}
	sp.dims[name] = d
	return d
}

// distinct leaves out options that no condition tells from an earlier one.
func (sp *space) distinct(options []option, keys []string) []option {
	var asked []*condition
	for _, k := range keys {
		if len(sp.variables[k]) > 0 || sp.constrains(k) || sp.mixed(k) {
			return options
		}
		for _, c := range sp.conditions[k] {
			if len(c.vars) > 0 {
				return options
			}
			asked = append(asked, c)
		}
	}
	seen := map[string]bool{}
	var out []option
	for _, o := range options {
		said := make([]byte, len(asked))
		for i, c := range asked {
			if c.holds(o.keys[c.key], nil) {
				said[i] = 1
			}
		}
		if !seen[string(said)] {
			seen[string(said)] = true
			out = append(out, o)
		}
	}
	return out
}

// constrains tells whether a grant asks for values of a key: one that allows
// CreateGrant asks which grant is to be made.
func (sp *space) constrains(key string) bool {
	if key != "kms:grantoperations" && key != "kms:grantconstrainttype" {
		return false
	}
	for _, u := range sp.universes {
		for _, r := range u.resources {
			if slices.ContainsFunc(r.grants, func(g decision.Grant) bool { return slices.Contains(g.Operations, "CreateGrant") }) {
				return true
			}
		}
	}
	return false
}

// single are the options of a key that stands for itself.
func (sp *space) single(key string, optional bool) []option {
	var all []option
	if optional {
		all = append(all, option{})
	}
	c := sp.choice(key)
	for _, v := range c.values {
		all = append(all, option{keys: map[string][]string{key: {v}}})
	}
	if multiValued(key) {
		all = append(all, sp.several(key, c.values)...)
	}
	return all
}

// maxSets bounds the lists of values that a key with many values is tried with.
const maxSets = 400

// several are lists of two values and more. A qualifier speaks of some or of
// all members, so one member for each condition, and one more, is enough.
func (sp *space) several(key string, values []string) []option {
	values = sp.members(key, values)
	most := len(sp.conditions[key]) + 1
	var all []option
	var grow func(from int, list []string)
	grow = func(from int, list []string) {
		for i := from; i < len(values) && len(list) < most; i++ {
			if len(all) >= maxSets {
				sp.limits[key] = fmt.Sprintf("more than %d lists of values of %s", maxSets, key)
				return
			}
			next := append(slices.Clone(list), values[i])
			if len(next) > 1 {
				all = append(all, option{keys: map[string][]string{key: next}})
			}
			grow(i+1, next)
		}
	}
	grow(0, nil)
	return all
}

// members are values that differ to some condition as members of a list.
func (sp *space) members(key string, values []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, v := range values {
		said := ""
		for _, c := range sp.conditions[key] {
			if len(c.vars) > 0 {
				return values
			}
			said += fmt.Sprint(c.passes(v, nil))
		}
		if !seen[said] {
			seen[said] = true
			out = append(out, v)
		}
	}
	return out
}
