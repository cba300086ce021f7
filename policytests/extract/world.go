package extract

import (
	"path"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A worldReader finds the policies of a world, also of one that does not load
// because a policy in it is wrong.
type worldReader struct {
	path    string // of the world, as people know it
	sources map[string]*Source
	names   []string // of sources, sorted
	options Options
	found   *Found

	partition string
	regions   []string
	// managed tells how managed policies are used, by account and name.
	managed map[string]*usage
	// taken are the files that something in the world names, by kind.
	taken map[string]bool
	kinds map[string]bool
}

// usage of a managed policy.
type usage struct{ attached, boundary bool }

// describes tells whether a file says what is in a world.
func describes(name string) bool {
	base := path.Base(name)
	switch path.Ext(base) {
	case ".yaml", ".yml":
		return true
	}
	return base == "world.json" || strings.HasSuffix(base, ".world.json")
}

func (w *worldReader) read() {
	w.partition = "aws"
	w.managed, w.taken, w.kinds = map[string]*usage{}, map[string]bool{}, map[string]bool{}
	type description struct {
		source *Source
		name   string
		root   *node
	}
	var all []description
	for _, name := range w.names {
		if !describes(name) {
			continue
		}
		documents, err := parse(w.sources[name])
		if err != nil {
			w.found.Errors = append(w.found.Errors, err.(Error)) //nolint:errorlint // parse answers with nothing else
			continue
		}
		for _, d := range documents {
			all = append(all, description{w.sources[name], name, d})
			w.prepare(d)
		}
	}
	for _, d := range all {
		here := &worldFile{worldReader: w, name: d.name, reader: reader{source: d.source, options: w.options, found: w.found}}
		if isTemplate(d.root) {
			here.template(d.root)
			continue
		}
		here.top(d.root)
	}
	w.rest()
}

// prepare notes what must be known before policies are taken.
func (w *worldReader) prepare(root *node) {
	if p := root.get("partition").str(); p != "" {
		w.partition = p
	}
	if regions := root.get("regions").strings(); len(regions) > 0 {
		w.regions = regions
	}
	for _, account := range members(root.get("accounts")) {
		for _, group := range []string{"users", "groups", "roles"} {
			for _, holder := range members(account.value.get(group)) {
				for _, name := range holder.value.get("managed").strings() {
					w.usage(account.name.text, name).attached = true
				}
				if name := holder.value.get("boundary").str(); name != "" {
					w.usage(account.name.text, name).boundary = true
				}
			}
		}
	}
}

func (w *worldReader) usage(account, name string) *usage {
	name = name[strings.LastIndexByte(name, '/')+1:]
	key := account + "/" + name
	if w.managed[key] == nil {
		w.managed[key] = &usage{}
	}
	return w.managed[key]
}

// members are the fields of an object, none of anything else.
func members(n *node) []field {
	if !n.isObject() {
		return nil
	}
	return n.fields
}

// rest takes the JSON files that nothing in the world names, by their names
// and contents.
func (w *worldReader) rest() {
	for _, name := range w.names {
		if describes(name) || w.taken[name] || path.Ext(name) != ".json" {
			continue
		}
		before := len(w.found.Policies)
		(&reader{source: w.sources[name], options: w.options, found: w.found}).read()
		for _, p := range w.found.Policies[before:] {
			p.World = w.path
		}
	}
}

// A worldFile takes the policies that one file of a world names or holds.
type worldFile struct {
	*worldReader
	reader
	name string // in the world
}

func (f *worldFile) top(root *node) {
	for _, account := range members(root.get("accounts")) {
		f.account(account.name.text, account.value)
	}
	for _, p := range members(root.get("aws-managed-policies")) {
		f.take(Policy{Kind: policy.Identity, Name: "policy/" + p.name.text}, managedDocument(p.value))
	}
	for _, e := range members(root.get("endpoints")) {
		region := f.region(e.value, nil)
		f.take(Policy{Kind: policy.Endpoint, Name: "endpoint/" + e.name.text, Account: e.value.get("account").str(), Region: region}, e.value.get("policy"))
	}
	f.unit("organization", root.get("organization", "root"), 0)
}

func (f *worldFile) account(id string, a *node) {
	for _, group := range []struct{ name, one string }{{"users", "user/"}, {"groups", "group/"}, {"roles", "role/"}} {
		for _, holder := range members(a.get(group.name)) {
			f.inline(policy.Identity, id, group.one+holder.name.text, holder.value.get("policies"))
			f.take(Policy{Kind: policy.Trust, Account: id, Name: group.one + holder.name.text + " trust"}, holder.value.get("trust"))
		}
	}
	for _, p := range members(a.get("managed-policies")) {
		used := f.usage(id, p.name.text)
		found := Policy{Kind: policy.Identity, Account: id, Name: "policy/" + p.name.text}
		if used.attached || !used.boundary {
			f.take(found, managedDocument(p.value))
		}
		if used.boundary {
			found.Kind = policy.Boundary
			f.take(found, managedDocument(p.value))
		}
	}
	for _, group := range []string{"federated-users", "web-identities"} {
		for _, s := range members(a.get(group)) {
			f.inline(policy.Session, id, "session/"+s.name.text, s.value.get("policies"))
		}
	}
	for _, k := range members(a.get("keys")) {
		f.key(id, a, k)
	}
}

func managedDocument(v *node) *node {
	if inner := v.get("policy"); inner != nil {
		return inner
	}
	return v
}

func (f *worldFile) inline(kind policy.Kind, account, holder string, policies *node) {
	for _, p := range members(policies) {
		f.take(Policy{Kind: kind, Account: account, Name: holder + " " + p.name.text}, p.value)
	}
}

func (f *worldFile) region(n, account *node) string {
	for _, region := range append([]string{n.get("region").str()}, account.get("regions").strings()...) {
		if region != "" {
			return region
		}
	}
	return append(slices.Clone(f.regions), standInRegion)[0]
}

func (f *worldFile) key(account string, a *node, k field) {
	v := k.value
	found := Policy{Kind: policy.Key, Account: account, Region: f.region(v, a), Name: "key/" + k.name.text, Key: KeyFacts{
		Name: k.name.text, Spec: orDefault(v.get("spec").str(), "SYMMETRIC_DEFAULT"), Usage: v.get("usage").str(), Origin: v.get("origin").str(),
		Aliases: v.get("aliases").strings(), AWSManaged: v.get("aws-managed").isTrue(), MultiRegion: v.get("multi-region").isTrue(),
	}}
	f.take(found, v.get("policy"))
	if grants := members(v.get("grants")); len(grants) > 0 {
		found.Kind, found.Grants, found.Name = 0, true, found.Name+" grants"
		list := make([]*node, len(grants))
		for i, g := range grants {
			list[i] = f.grant(account, g)
		}
		f.finish(f.put(found, grantList(v.get("grants"), list...), nil))
	}
}

// grant is a grant as ListGrants answers it.
func (f *worldFile) grant(account string, g field) *node {
	grant := objectAt(g.value)
	grant.set("Name", g.name)
	for _, m := range []struct{ field, member string }{{"grantee", "GranteePrincipal"}, {"retiree", "RetiringPrincipal"}} {
		if v := g.value.get(m.field); v.isString() {
			grant.set(m.member, f.principal(account, v))
		}
	}
	if v := g.value.get("operations"); v != nil {
		grant.set("Operations", v)
	}
	constraints := objectAt(g.value)
	for _, m := range []struct{ field, member string }{{"equals", "EncryptionContextEquals"}, {"subset", "EncryptionContextSubset"}} {
		if v := g.value.get(m.field); v != nil {
			constraints.set(m.member, v)
		}
	}
	if len(constraints.fields) > 0 {
		grant.set("Constraints", constraints)
	}
	if v := g.value.get("created"); v != nil {
		grant.set("CreationDate", scalarAt(v.text, v))
	}
	return grant
}

// principal is the ARN of what a world calls root, user/NAME or role/NAME.
func (f *worldFile) principal(account string, v *node) *node {
	if v.text != "root" && !strings.HasPrefix(v.text, "user/") && !strings.HasPrefix(v.text, "role/") {
		return v
	}
	return scalarAt("arn:"+f.partition+":iam::"+account+":"+v.text, v)
}

// unit takes the guardrails of an organizational unit and of what is below it.
func (f *worldFile) unit(name string, u *node, depth int) {
	if !u.isObject() || depth > maxNesting {
		return
	}
	f.guardrails(name, u)
	for _, a := range members(u.get("accounts")) {
		f.guardrails(name+"/"+a.name.text, a.value)
	}
	for _, c := range members(u.get("units")) {
		f.unit(name+"/"+c.name.text, c.value, depth+1)
	}
}

func (f *worldFile) guardrails(name string, n *node) {
	for _, p := range members(n.get("scps")) {
		f.take(Policy{Kind: policy.SCP, Name: name + " " + p.name.text}, p.value)
	}
	for _, p := range members(n.get("rcps")) {
		f.take(Policy{Kind: policy.RCP, Name: name + " " + p.name.text}, p.value)
	}
}

// take takes a policy that stands in the world file, or in the file that it
// names; each file once for each kind. A file that is not there is for the
// world to tell.
func (f *worldFile) take(p Policy, v *node) {
	switch {
	case v == nil:
	case v.isObject():
		f.finish(f.put(p, v, nil))
	case v.isString():
		name := path.Join(path.Dir(f.name), v.text)
		source := f.sources[name]
		if source == nil {
			f.fail(v.start, "there is no file "+name+" in the world")
			return
		}
		f.taken[name] = true
		if key := name + " " + p.Kind.String(); !f.kinds[key] {
			f.kinds[key] = true
			there := reader{source: source, options: f.worldReader.options, found: f.worldReader.found}
			f.finish(there.put(p, &node{kind: objectNode, end: len(source.Text)}, nil))
		}
	}
}

func (f *worldFile) finish(p *Policy) {
	p.World, p.Partition = f.path, f.partition
}
