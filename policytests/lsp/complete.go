package lsp

import (
	"context"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/extract"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A candidate is what can stand somewhere.
type candidate struct {
	text  string
	about string
	kind  int
	last  bool // fits less well than the others
}

// complete lists what can stand at a place.
func (v *view) complete(_ context.Context, d *document, offset int) (*completionList, error) {
	p, ok := d.partAt(offset)
	list := &completionList{Items: []completionItem{}}
	switch {
	case !ok:
	case p.isCases():
		list.Items = v.completeCase(d, p, offset)
	case p.isJSON():
		c := cursorAt(d.textOf(p), offset-p.begin)
		c.begin, c.end = c.begin+p.begin, c.end+p.begin
		list.Items = items(d, c, v.candidates(d, p, c))
	}
	return list, nil
}

// items are candidates as edits that replace the string at the cursor, or make
// one.
func items(d *document, c cursor, all []candidate) []completionItem {
	made := make([]completionItem, len(all))
	for i, one := range all {
		text, sort := one.text, "0"
		if one.last {
			sort = "1"
		}
		if !c.quoted {
			text = `"` + text + `"`
		}
		made[i] = completionItem{Label: one.text, Kind: one.kind, Detail: one.about, SortText: sort + strings.ToLower(one.text), Filter: text,
			TextEdit: &textEdit{d.text.span(c.begin, c.end), text}}
	}
	return made
}

// kindOf is the kind of the policy that a part is: as linting found it, by its
// name, or by what it holds.
func (v *view) kindOf(d *document, p part) policy.Kind {
	v.mu.Lock()
	found := v.found[d.uri]
	v.mu.Unlock()
	if kind, ok := extract.KindOfFile(p.name); ok && !kind.Grants {
		return kind.Policy
	}
	if p.end-p.begin == len(d.text.body) && len(found.policies) == 1 && !found.policies[0].Grants {
		return found.policies[0].Kind
	}
	if strings.Contains(d.textOf(p), `"sts:AssumeRole`) {
		return policy.Trust
	}
	if strings.Contains(d.textOf(p), `"Principal"`) {
		return policy.Key
	}
	return policy.Identity
}

// candidates are what can stand at a place of a policy.
func (v *view) candidates(d *document, p part, c cursor) []candidate {
	kind := v.kindOf(d, p)
	if c.name {
		return without(c.names, c.text, names(kind, c))
	}
	element, under := "", ""
	if len(c.path) > 0 {
		element = c.path[0]
	}
	if element == "Statement" && len(c.path) > 1 {
		element, under = c.path[1], c.path[len(c.path)-1]
	}
	switch element {
	case "Version":
		return words(itemValue, policy.Version2012, policy.Version2008)
	case "Effect":
		return words(itemKeyword, "Allow", "Deny")
	case "Action", "NotAction":
		return actions(kind)
	case "Principal", "NotPrincipal":
		return principals(v.names(d), under)
	case "Resource", "NotResource":
		return resources(v.names(d), kind)
	case "Condition":
		return values(v.names(d), under)
	}
	return nil
}

func words(kind int, all ...string) []candidate {
	made := make([]candidate, len(all))
	for i, w := range all {
		made[i] = candidate{text: w, kind: kind}
	}
	return made
}

// without leaves out names that stand there already, but for the one that is
// being written.
func without(taken []string, own string, all []candidate) []candidate {
	return slices.DeleteFunc(all, func(c candidate) bool { return c.text != own && slices.Contains(taken, c.text) })
}

// names are the members that an object of a policy can have.
func names(kind policy.Kind, c cursor) []candidate {
	switch path := c.path; {
	case len(path) == 0:
		return words(itemProperty, "Version", "Id", "Statement")
	case len(path) == 1 && path[0] == "Statement":
		return elements(kind)
	case len(path) == 2 && strings.HasSuffix(path[1], "Principal"):
		return words(itemProperty, "AWS", "Service", "Federated")
	case len(path) == 2 && path[1] == "Condition":
		return operators(c)
	case len(path) == 3 && path[1] == "Condition":
		return keys(c, path[2])
	}
	return nil
}

func elements(kind policy.Kind) []candidate {
	all := []string{"Sid", "Effect"}
	if kind.HasPrincipal() {
		all = append(all, "Principal")
	}
	all = append(all, "Action")
	if kind.HasResource() {
		all = append(all, "Resource", "NotResource")
	}
	if kind != policy.RCP && kind != policy.Trust {
		all = append(all, "NotAction")
	}
	return words(itemProperty, append(all, "Condition")...)
}

func actions(kind policy.Kind) []candidate {
	var all []candidate
	for _, a := range policy.Actions {
		if (kind == policy.Trust) != a.On(policy.RoleResource) && kind != policy.Identity && kind != policy.Boundary && kind != policy.Session && kind != policy.SCP {
			continue
		}
		about := "on no resource"
		if len(a.Resources) > 0 {
			about = "on " + a.Resources[0].String()
		}
		all = append(all, candidate{text: a.Name, about: about, kind: itemFunction, last: !strings.HasPrefix(a.Name, "kms:")})
	}
	if kind != policy.Trust {
		for _, pattern := range []string{"kms:*", "kms:Describe*", "kms:GenerateDataKey*", "kms:Get*", "kms:List*", "kms:ReEncrypt*"} {
			all = append(all, candidate{text: pattern, about: codeless(policy.ExpandAction(pattern)), kind: itemFunction, last: true})
		}
	}
	return all
}

func codeless(names []string) string {
	const shown = 3
	if len(names) > shown {
		return strings.Join(names[:shown], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// expanded are the actions that a statement is about; nil for any.
func (c cursor) expanded() []string {
	if len(c.actions) == 0 {
		return nil
	}
	var all []string
	for _, pattern := range c.actions {
		all = append(all, policy.ExpandAction(pattern)...)
	}
	if !c.not {
		return all
	}
	var others []string
	for _, a := range policy.Actions {
		if !slices.Contains(all, a.Name) {
			others = append(others, a.Name)
		}
	}
	return others
}

// held tells whether requests for some of the actions hold a condition key; nil
// stands for all actions.
func held(k policy.ConditionKey, actions []string) bool {
	if k.Absent {
		return false
	}
	if k.Global || actions == nil {
		return true
	}
	return slices.ContainsFunc(actions, func(name string) bool {
		a, _ := policy.ActionNamed(name)
		return slices.Contains(a.ConditionKeys, k.Name)
	})
}

// operators are the condition operators; those first that fit a key under the
// cursor's statement's actions.
func operators(c cursor) []candidate {
	actions := c.expanded()
	var all []candidate
	for _, o := range policy.Operators {
		fits := slices.ContainsFunc(policy.ConditionKeys, func(k policy.ConditionKey) bool {
			return o.Type != policy.PresenceType && k.Fits(o.Type) && held(k, actions)
		})
		all = append(all, candidate{text: o.Name, about: o.Type.String(), kind: itemOperator, last: !fits && o.Type != policy.PresenceType})
		if o.Type == policy.PresenceType {
			continue
		}
		all = append(all, candidate{text: o.Name + "IfExists", about: o.Type.String() + ", or absent", kind: itemOperator, last: true})
		many := slices.ContainsFunc(policy.ConditionKeys, func(k policy.ConditionKey) bool { return k.Many && k.Fits(o.Type) && held(k, actions) })
		for _, set := range []string{"ForAnyValue:", "ForAllValues:"} {
			if many {
				all = append(all, candidate{text: set + o.Name, about: "of keys with several values", kind: itemOperator, last: true})
			}
		}
	}
	return all
}

// keys are the condition keys of the statement's actions that an operator fits.
func keys(c cursor, operator string) []candidate {
	set, name, qualified := strings.Cut(operator, ":")
	if !qualified {
		set, name = "", operator
	}
	if n := len(name) - len("IfExists"); n > 0 && strings.EqualFold(name[n:], "IfExists") {
		name = name[:n]
	}
	o, known := policy.OperatorNamed(name)
	actions := c.expanded()
	var all []candidate
	for _, k := range policy.ConditionKeys {
		if !held(k, actions) || known && !k.Fits(o.Type) || set != "" && !k.Many {
			continue
		}
		about := k.Type.String()
		if k.Many && set == "" {
			about += ", several values: use ForAnyValue or ForAllValues"
		}
		if k.Prefix() {
			about += ", a name follows"
		}
		all = append(all, candidate{text: k.Name, about: about, kind: itemProperty, last: k.Global || k.Many && set == ""})
	}
	return all
}

// principals are those of the world, under the type of principal that they are.
func principals(w *world.World, under string) []candidate {
	switch {
	case under != "AWS" && under != "Service":
		return words(itemValue, "*")
	case w == nil && under == "AWS":
		return words(itemValue, "*")
	case w == nil:
		return nil
	}
	var all []candidate
	if under == "Service" {
		for _, s := range w.Services() {
			all = append(all, candidate{text: s.Principal, about: "service of the world", kind: itemValue})
		}
		return all
	}
	for _, a := range w.Accounts() {
		all = append(all, candidate{text: a.RootARN(w.Partition()), about: "the account " + a.Name, kind: itemValue})
	}
	for _, arn := range w.Principals() {
		all = append(all, candidate{text: arn, kind: itemValue})
	}
	return append(all, candidate{text: "*", about: "everybody", kind: itemValue, last: true})
}

// resources are what a policy of a kind can be about.
func resources(w *world.World, kind policy.Kind) []candidate {
	about := "every resource"
	if kind == policy.Key {
		about = "the key that the policy belongs to"
	}
	all := []candidate{{text: "*", about: about, kind: itemValue}}
	if w == nil || kind == policy.Key {
		return all
	}
	for _, k := range w.Keys() {
		all = append(all, candidate{text: keyARN(w, k), about: "key/" + k.Name, kind: itemValue})
	}
	return all
}

func keyARN(w *world.World, k *world.Key) string {
	return "arn:" + w.Partition() + ":kms:" + k.Region + ":" + k.Account + ":key/" + k.ID
}

// values are what a condition key can be compared with, where that is known.
func values(w *world.World, key string) []candidate {
	k, ok := policy.ConditionKeyNamed(key)
	switch {
	case !ok:
		return nil
	case k.Type == policy.BoolType:
		return words(itemValue, "true", "false")
	case w == nil:
		return nil
	}
	var all []candidate
	add := func(texts ...string) { all = append(all, words(itemValue, texts...)...) }
	switch k.Name {
	case "kms:ViaService":
		for _, s := range w.Services() {
			for _, region := range w.Regions() {
				add(s.Via(region))
			}
		}
	case "kms:CallerAccount", "aws:PrincipalAccount", "aws:SourceAccount", "aws:ResourceAccount":
		for _, a := range w.Accounts() {
			all = append(all, candidate{text: a.ID, about: a.Name, kind: itemValue})
		}
	case "aws:PrincipalArn", "kms:GranteePrincipal", "kms:RetiringPrincipal":
		add(w.Principals()...)
	case "aws:PrincipalOrgID", "aws:ResourceOrgID":
		if o := w.Organization(); o != nil {
			add(o.ID)
		}
	case "kms:RequestAlias", "kms:ResourceAliases":
		for _, k := range w.Keys() {
			add(k.Aliases...)
		}
	case "aws:SourceVpce":
		for _, e := range w.Endpoints() {
			add(e.ID)
		}
	case "aws:RequestedRegion", "kms:ReplicaRegion", "kms:PrimaryRegion":
		add(w.Regions()...)
	}
	return all
}
