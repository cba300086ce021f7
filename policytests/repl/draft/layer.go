package draft

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// An Off leaves a layer out of the world, as though nothing were attached in
// it anywhere. Layers that only limit then limit nothing; identity policies and
// grants that are off allow nothing.
type Off struct{ Layer string }

// Layers lists the layers that can be left out. The key policy is not among
// them: a key always has one.
func Layers() []string {
	return []string{"scp", "rcp", "endpoint", "boundary", "session", "identity", "grant"}
}

// String is the command that leaves the layer out.
func (o Off) String() string { return "off " + o.Layer }

// Apply takes all of the layer out of all files.
func (o Off) Apply(d Draft) (Draft, error) {
	trees, err := d.trees()
	if err != nil {
		return d, err
	}
	for _, t := range trees {
		if !o.strip(t.root) {
			continue
		}
		if d, err = d.keep(t); err != nil {
			return d, err
		}
	}
	return d, nil
}

// strip takes the layer out of a file, and tells whether there was any.
func (o Off) strip(root *yaml.Node) (changed bool) {
	drop := func(n *yaml.Node, names ...string) {
		for _, name := range names {
			changed = remove(n, name) || changed
		}
	}
	switch o.Layer {
	case "scp", "rcp":
		if r := walk(root, "organization", "root"); r != nil {
			eachLevel(r, func(_ string, n *yaml.Node) { drop(n, o.Layer+"s") })
		}
	case "endpoint":
		eachField(field(root, "endpoints"), func(_ string, n *yaml.Node) { drop(n, "policy") })
	default:
		eachField(field(root, "accounts"), func(_ string, a *yaml.Node) {
			for _, rule := range accountLayers {
				if rule.layer != o.Layer {
					continue
				}
				eachField(field(a, rule.section), func(_ string, n *yaml.Node) {
					drop(n, rule.fields...)
					if slices.Equal(rule.fields, []string{"policies"}) && rule.section == "federated-users" {
						set(n, "policies", wholePolicies())
						changed = true
					}
				})
			}
		})
	}
	return changed
}

// accountLayers say where in an account the parts of a layer stand.
var accountLayers = []struct {
	layer, section string
	fields         []string
}{
	{"boundary", "users", []string{"boundary"}},
	{"boundary", "roles", []string{"boundary"}},
	{"identity", "users", []string{"policies", "managed"}},
	{"identity", "roles", []string{"policies", "managed"}},
	{"identity", "groups", []string{"policies", "managed"}},
	{"grant", "keys", []string{"grants"}},
	{"session", "federated-users", []string{"policies"}},
	{"session", "web-identities", []string{"policies"}},
}

// wholePolicies are session policies that limit nothing: a federated user
// without any may do nothing.
func wholePolicies() *yaml.Node {
	full, err := parseTree("full.json", []byte(fullAccess))
	if err != nil {
		panic("draft: " + err.Error()) // the policy is a constant
	}
	m := &yaml.Node{Kind: yaml.MappingNode}
	set(m, "off", full)
	return m
}
