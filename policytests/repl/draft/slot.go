package draft

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A Place is a kind of place in a world where a policy stands. The zero value
// is invalid.
type Place int

// The places. Names of policies are needed where there can be several.
const (
	OfKey       Place = iota + 1 // key policy
	OfTrust                      // trust policy of a role
	OfUser                       // inline policy of a user
	OfRole                       // inline policy of a role
	OfGroup                      // inline policy of a group
	OfManaged                    // customer managed policy
	OfEndpoint                   // policy of a VPC endpoint
	OfSCP                        // SCP, wherever it is attached
	OfRCP                        // RCP, wherever it is attached
	OfFederated                  // session policy of a federated user
	OfWeb                        // session policy of a web identity
)

// places tell for each place where it lies in an account of a world file, what
// kind of policy stands there, and what people call it.
var places = map[Place]struct {
	section, field string
	kind           policy.Kind
	prefix         string
}{
	OfKey:       {"keys", "policy", policy.Key, "key"},
	OfTrust:     {"roles", "trust", policy.Trust, "role"},
	OfUser:      {"users", "policies", policy.Identity, "user"},
	OfRole:      {"roles", "policies", policy.Identity, "role"},
	OfGroup:     {"groups", "policies", policy.Identity, "group"},
	OfFederated: {"federated-users", "policies", policy.Session, "federated"},
	OfWeb:       {"web-identities", "policies", policy.Session, "web"},
	OfManaged:   {"managed-policies", "", policy.Identity, "managed"},
	OfEndpoint:  {"", "policy", policy.Endpoint, "endpoint"},
	OfSCP:       {"", "scps", policy.SCP, "scp"},
	OfRCP:       {"", "rcps", policy.RCP, "rcp"},
}

// A Slot is one place in a world where a policy stands, or could stand.
type Slot struct {
	Place   Place
	Account string // of principals, managed policies and keys
	Name    string // of the principal, key, endpoint or policy
	Policy  string // name of an inline or session policy
	On      string // SCP, RCP: the unit or account to attach it to; empty: where it is attached already
}

// Kind is that of the policies that stand there.
func (s Slot) Kind() policy.Kind { return places[s.Place].kind }

// String is the slot as commands write it.
func (s Slot) String() string {
	text := places[s.Place].prefix + "/" + s.Name
	if s.Account != "" {
		text += "@" + s.Account
	}
	switch {
	case s.Place == OfTrust:
		text += " trust"
	case s.Policy != "":
		text += " " + s.Policy
	case s.On != "":
		text += " on " + s.On
	}
	return text
}

// fileName is that of a file for a policy of this slot: names tell the kind.
func (s Slot) fileName() string {
	name := s.Name
	if s.Policy != "" {
		name += "-" + s.Policy
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("/\\ :", r) {
			return '-'
		}
		return r
	}, name) + "." + infixes[s.Kind()] + ".json"
}

// infixes are how file names tell the kind of a policy.
var infixes = map[policy.Kind]string{
	policy.Key: "key", policy.Trust: "trust", policy.Identity: "iam", policy.Session: "session",
	policy.Endpoint: "vpce", policy.SCP: "scp", policy.RCP: "rcp",
}

// A holder is where the value of a slot is kept: fields of mappings in one
// file. SCPs and RCPs may be attached several times.
type holder struct {
	tree
	in   []*yaml.Node // mappings
	name string       // of the field in each
}

func (h holder) value() *yaml.Node { return field(h.in[0], h.name) }

func (h holder) drop() {
	for _, m := range h.in {
		remove(m, h.name)
	}
}

// put sets the value; of a managed policy with a path, the part that names the
// policy.
func (h holder) put(value *yaml.Node) error {
	if len(h.in) == 0 {
		return errors.New("there is no place for the policy")
	}
	for _, m := range h.in {
		if old := field(m, h.name); old != nil && field(old, "policy") != nil && field(old, "Statement") == nil {
			set(old, "policy", value)
			continue
		}
		set(m, h.name, value)
	}
	return nil
}

func (s Slot) holder(d Draft) (holder, error) {
	p, known := places[s.Place]
	switch {
	case !known:
		return holder{}, errors.New("no such place for a policy")
	case s.Place == OfSCP || s.Place == OfRCP:
		return s.guardrail(d, p.field)
	case s.Place == OfEndpoint:
		t, n, err := d.find("endpoints", s.Name)
		return holder{t, []*yaml.Node{n}, p.field}, err
	case s.Place == OfManaged:
		if t, n, err := d.find("accounts", s.Account, p.section); err == nil {
			return holder{t, []*yaml.Node{n}, s.Name}, nil
		}
		t, n, err := d.find("accounts", s.Account)
		if err != nil {
			return holder{}, err
		}
		return holder{t, []*yaml.Node{mapping(n, p.section)}, s.Name}, nil
	}
	t, n, err := d.find("accounts", s.Account, p.section, s.Name)
	switch {
	case err != nil:
		return holder{}, fmt.Errorf("the world has no %s/%s@%s", p.prefix, s.Name, s.Account)
	case s.Policy != "":
		return holder{t, []*yaml.Node{mapping(n, p.field)}, s.Policy}, nil
	}
	return holder{t, []*yaml.Node{n}, p.field}, nil
}

// fullAccess is what a level has where the world names no SCP: it stays when
// the first is named.
const fullAccess = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}`

// guardrail finds where an SCP or RCP is attached, or is to be.
func (s Slot) guardrail(d Draft, section string) (holder, error) {
	t, root, err := d.find("organization", "root")
	if err != nil {
		return holder{}, errors.New("the world has no organization")
	}
	var attached []*yaml.Node
	var level *yaml.Node
	eachLevel(root, func(id string, n *yaml.Node) {
		if field(field(n, section), s.Name) != nil {
			attached = append(attached, field(n, section))
		}
		if id == s.On && id != "" {
			level = n
		}
	})
	switch {
	case s.On == "" && len(attached) > 0:
		return holder{t, attached, s.Name}, nil
	case s.On == "":
		return holder{}, fmt.Errorf("%s/%s is attached nowhere; add on and the id of a unit or account", places[s.Place].prefix, s.Name)
	case level == nil:
		return holder{}, fmt.Errorf("the organization has no unit or account %s", s.On)
	}
	if field(level, section) == nil && s.Place == OfSCP {
		full, err := parseTree("full.json", []byte(fullAccess))
		if err != nil {
			return holder{}, err
		}
		set(mapping(level, section), "FullAWSAccess", full)
	}
	return holder{t, []*yaml.Node{mapping(level, section)}, s.Name}, nil
}

// eachLevel visits root, units and accounts of an organization.
func eachLevel(unit *yaml.Node, visit func(id string, n *yaml.Node)) {
	id := ""
	if n := field(unit, "id"); n != nil {
		id = n.Value
	}
	visit(id, unit)
	eachField(field(unit, "accounts"), visit)
	eachField(field(unit, "units"), func(_ string, n *yaml.Node) { eachLevel(n, visit) })
}

func eachField(n *yaml.Node, visit func(name string, n *yaml.Node)) {
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		visit(n.Content[i].Value, n.Content[i+1])
	}
}

// ownFile is the file that a slot names, if the world names it nowhere else.
func (d Draft) ownFile(h holder) (string, bool) {
	v := h.value()
	if v != nil && field(v, "policy") != nil && field(v, "Statement") == nil {
		v = field(v, "policy")
	}
	if v == nil || v.Kind != yaml.ScalarNode || path.Ext(v.Value) != ".json" {
		return "", false
	}
	name := path.Join(folder(h.file), v.Value)
	trees, err := d.trees()
	if err != nil {
		return "", false
	}
	count := 0
	for _, t := range trees {
		count += uses(t.root, folder(t.file), name)
	}
	return name, count == len(h.in)
}

// uses counts the values below n that name a file, relative to a folder.
func uses(n *yaml.Node, dir, name string) int {
	if n.Kind == yaml.ScalarNode && path.Ext(n.Value) == ".json" && path.Join(dir, n.Value) == name {
		return 1
	}
	count := 0
	for _, c := range n.Content {
		count += uses(c, dir, name)
	}
	return count
}

// folder is where a file lies, with a slash at its end; empty at the top.
func folder(file string) string {
	dir, _ := path.Split(file)
	return dir
}

// free is a name in a folder that no file has.
func (d Draft) free(dir, name string) string {
	stem, ext := strings.TrimSuffix(name, ".json"), ".json"
	if kind := path.Ext(stem); kind != "" {
		stem, ext = strings.TrimSuffix(stem, kind), kind+ext
	}
	for i := 1; ; i++ {
		candidate := dir + stem + ext
		if i > 1 {
			candidate = dir + stem + "-" + strconv.Itoa(i) + ext
		}
		if _, taken := d.files[candidate]; !taken {
			return candidate
		}
	}
}
