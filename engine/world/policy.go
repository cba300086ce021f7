package world

import (
	"embed"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A Policy is a document and where it came from.
type Policy struct {
	Name     string // as the world names it; empty for trust and key policies
	ARN      string // of a managed policy; empty for any other
	Account  string // that owns it; empty for a policy that the partition owns
	Document *policy.Document
	File     string // the file that holds the text, relative to the world

	// Principals maps the ARNs of principals in the document to unique ids,
	// as UniqueID does. Nil for kinds without a Principal.
	Principals map[string]string

	marks []mark // places of a policy that stands inside a world file
}

// Line is where a position of the document is in File.
func (p *Policy) Line(pos policy.Pos) int {
	line, _ := locate(p.marks, pos)
	return line
}

// shipped are the policies of the partition that every world has. They are
// those of AWS: Guide, "AWS managed policy for power users".
//
//go:embed shipped/*.json
var shipped embed.FS

func (l *loader) loadShippedPolicies() {
	names, err := fs.Glob(shipped, "shipped/*.json")
	if err != nil {
		panic("world: " + err.Error()) // the pattern is a constant
	}
	for _, file := range names {
		text, err := shipped.ReadFile(file)
		if err != nil {
			panic("world: " + err.Error()) // an embedded file is there
		}
		name := strings.TrimSuffix(path.Base(file), ".json")
		p := &Policy{Name: name, ARN: l.managedARN("", "/", name), File: file}
		l.parse(p, policy.Identity, text, nil, file)
		l.world.managed[p.ARN] = p
	}
}

func (l *loader) managedARN(account, path, name string) string {
	if account == "" {
		account = "aws"
	}
	return "arn:" + l.world.partition + ":iam::" + account + ":policy" + path + name
}

// policyInto reads a policy: the name of a JSON file relative to the file at
// hand, or the policy itself as a mapping. What has the fields of p set
// already keeps them.
func (l *loader) policyInto(p *Policy, kind policy.Kind) func(value) {
	return func(v value) {
		if v.node.Kind == yaml.MappingNode {
			text, marks, wrong := inlineJSON(v.node)
			if wrong != nil {
				v.node = wrong
				v.failf("a policy has no keys of this kind")
				return
			}
			p.File, p.marks = v.file, marks
			l.parse(p, kind, text, marks, v.file)
			return
		}
		name, text, ok := v.policyFile()
		if !ok {
			return
		}
		p.File = name
		l.parse(p, kind, text, nil, name)
	}
}

// policyFile finds the file that v names.
func (v value) policyFile() (name string, text []byte, ok bool) {
	ref, ok := v.text()
	if !ok {
		return "", nil, false
	}
	name = path.Join(path.Dir(v.file), ref)
	switch {
	case path.IsAbs(ref) || strings.Contains(ref, `\`) || !fs.ValidPath(name):
		v.failf("the path leads out of the world; policies lie beside or below it")
	case path.Ext(name) != ".json":
		v.failf("a policy is a .json file, or a mapping in this place")
	case describes(name):
		v.failf("%s describes the world and is no policy", name)
	default:
		if text, ok = v.l.src.files[name]; !ok {
			v.failf("there is no file %s", name)
			return "", nil, false
		}
		v.l.read[name] = true
		return name, text, true
	}
	return "", nil, false
}

// parse fills p.Document, and reports each fault at its place.
func (l *loader) parse(p *Policy, kind policy.Kind, text []byte, marks []mark, file string) {
	document, err := policy.Parse(kind, text)
	if err == nil {
		p.Document = document
		l.later(func() { l.checkPrincipals(p) })
		return
	}
	var faults policy.Errors
	if !errors.As(err, &faults) {
		l.report(Problem{File: file, Message: err.Error()})
		return
	}
	for _, f := range faults {
		line, column := locate(marks, f.Pos)
		l.report(Problem{File: file, Line: line, Column: column, Field: f.Pos.Path, Message: f.Message})
	}
}

// checkPrincipals refuses a document that names principals that do not exist
// and has those that do resolved when they have their ids.
func (l *loader) checkPrincipals(p *Policy) {
	if !p.Document.Kind.HasPrincipal() {
		return
	}
	for _, unknown := range l.world.Unknown(p.Document) {
		line, column := locate(p.marks, unknown.Pos)
		l.report(Problem{File: p.File, Line: line, Column: column, Field: unknown.Pos.Path, Message: unknown.Text + " does not exist in this world"})
	}
	l.last(func() { p.Principals = l.world.UniqueIDs(p.Document) })
}

// managedPolicy reads a managed policy of an account, or of the partition.
func (l *loader) managedPolicy(account, name string, v value) {
	v.named(isLongName)
	p := &Policy{Name: name, Account: account}
	folder := "/"
	read := l.policyInto(p, policy.Identity)
	if v.node.Kind == yaml.MappingNode && v.child("policy") != nil {
		v.fields(table{"path": textInto(&folder, isPath), "policy": read})
	} else {
		read(v)
	}
	p.ARN = l.managedARN(account, folder, name)
	if _, taken := l.world.managed[p.ARN]; taken {
		v.keyFailf("there is such a policy already")
		return
	}
	l.world.managed[p.ARN] = p
	if a := l.world.accounts[account]; a != nil {
		a.Managed = append(a.Managed, p)
	}
}

// attached finds a managed policy by what a world calls it: the name of one of
// the account's own, or an ARN.
func (l *loader) attached(account string, v value) *Policy {
	ref, ok := v.text()
	if !ok {
		return nil
	}
	if strings.HasPrefix(ref, "arn:") {
		p, ok := l.world.managed[ref]
		if !ok || p.Account != "" && p.Account != account {
			v.failf("no managed policy %s for this account", ref)
			return nil
		}
		return p
	}
	own := l.world.accounts[account].Managed
	if i := slices.IndexFunc(own, func(p *Policy) bool { return p.Name == ref }); i >= 0 {
		return own[i]
	}
	v.failf("no managed policy %q in this account; one of AWS is named by its ARN, %s", ref, l.managedARN("", "/", "AdministratorAccess"))
	return nil
}

func (l *loader) attachedInto(to *[]*Policy, account string) func(value) {
	return func(v value) {
		l.later(func() {
			for _, item := range v.items() {
				p := l.attached(account, item)
				if p != nil && slices.Contains(*to, p) {
					item.failf("is attached twice")
				} else if p != nil {
					*to = append(*to, p)
				}
			}
		})
	}
}

// boundaryInto attaches a managed policy as a permissions boundary: its text
// is read a second time, under the rules for boundaries.
func (l *loader) boundaryInto(to **Policy, account string) func(value) {
	return func(v value) {
		l.later(func() {
			p := l.attached(account, v)
			if p == nil || p.Document == nil {
				return
			}
			boundary := *p
			boundary.Document = nil
			l.parse(&boundary, policy.Boundary, []byte(p.Document.Text), p.marks, p.File)
			*to = &boundary
		})
	}
}

// inlineInto reads the inline policies of a principal by name.
func (l *loader) inlineInto(to *[]*Policy, account string) func(value) {
	return l.policiesInto(to, account, policy.Identity, isLongName)
}

// policiesInto reads policies by name, and leaves a list that is not nil.
func (l *loader) policiesInto(to *[]*Policy, account string, kind policy.Kind, name check) func(value) {
	return func(v value) {
		*to = []*Policy{}
		for _, e := range v.entries() {
			e.named(name)
			p := &Policy{Name: e.key.Value, Account: account}
			l.policyInto(p, kind)(e)
			*to = append(*to, p)
		}
		slices.SortFunc(*to, byName)
	}
}

func byName(a, b *Policy) int { return strings.Compare(a.Name, b.Name) }
