package lsp

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// completeCase lists what can stand at a place of a file of cases.
func (v *view) completeCase(d *document, p part, offset int) []completionItem {
	begin, line, standing := caseAt(d.textOf(p), offset-p.begin, p.isStructured())
	if len(line) > maxWord*4 {
		return nil
	}
	c := standing.Complete(line, false)
	begin = p.begin + begin + len(line) - len(c.Part)
	all := words(itemKeyword, c.Words...)
	all = append(all, v.slot(d, c)...)
	items := make([]completionItem, 0, len(all))
	at := d.text.span(begin, offset)
	for _, one := range all {
		sort := "0"
		if one.last {
			sort = "1"
		}
		items = append(items, completionItem{Label: one.text, Kind: one.kind, Detail: one.about, SortText: sort + strings.ToLower(one.text), Filter: one.text,
			TextEdit: &textEdit{at, one.text}})
	}
	return items
}

// caseAt is the statement that a place is in, as far as it goes, and what the
// lines before it say for it. A line that begins with a blank goes on with the
// one before.
func caseAt(text string, offset int, structured bool) (begin int, line string, standing caseline.Standing) {
	begin = 1 + strings.LastIndexByte(text[:offset], '\n')
	if structured {
		line = text[begin:offset]
		cut := len(line) - len(strings.TrimLeft(line, " -\t\"'"))
		return begin + cut, line[cut:], standing
	}
	for begin > 0 && begin < len(text) && (text[begin] == ' ' || text[begin] == '\t') {
		begin = 1 + strings.LastIndexByte(text[:begin-1], '\n')
	}
	for before := range strings.Lines(text[:begin]) {
		word, _, _ := strings.Cut(strings.TrimSpace(before), " ")
		if slices.Contains([]string{"given", "account", "region", "at"}, word) {
			_, _ = standing.Set(strings.TrimSpace(before)) // a broken line says nothing
		}
	}
	return begin, text[begin:offset], standing
}

// slot are the names of the world that fit a slot of the grammar.
func (v *view) slot(d *document, c caseline.Completion) []candidate {
	switch c.Slot {
	case "action", "actions", "operations":
		return caseActions(c.Slot)
	case "clause":
		return clauses(c)
	}
	a := v.asker(d)
	if a == nil {
		return nil
	}
	switch w := a.World(); c.Slot {
	case "principal", "principals":
		return texts(a.Everybody())
	case "resource", "resources", "key", "keys":
		return append(texts(a.EveryKey()), aliases(w)...)
	case "endpoint", "endpoint id":
		var all []candidate
		for _, e := range w.Endpoints() {
			all = append(all, candidate{text: e.ID, about: e.VPC + " in " + e.Region, kind: itemValue})
		}
		return all
	case "service", "services":
		var all []candidate
		for _, s := range w.Services() {
			all = append(all, candidate{text: s.Principal, kind: itemValue})
		}
		return all
	case "Region":
		return words(itemValue, w.Regions()...)
	case "account", "accounts":
		return accounts(w)
	case "grant", "grants":
		return grants(w)
	}
	return nil
}

func caseActions(slot string) []candidate {
	var all []candidate
	for _, a := range policy.Actions {
		name := a.Name
		if slot == "operations" {
			name = strings.TrimPrefix(name, "kms:")
		}
		all = append(all, candidate{text: name, kind: itemFunction, last: !strings.HasPrefix(a.Name, "kms:")})
	}
	return all
}

func texts(all []caseline.Word) []candidate {
	made := make([]candidate, len(all))
	for i, w := range all {
		made[i] = candidate{text: caseline.Quote(w.Text), kind: itemValue}
	}
	return made
}

func aliases(w *world.World) []candidate {
	var all []candidate
	for _, k := range w.Keys() {
		for _, name := range k.Aliases {
			all = append(all, candidate{text: name, about: "key/" + k.Name, kind: itemValue})
		}
	}
	return all
}

func accounts(w *world.World) []candidate {
	var all []candidate
	for _, a := range w.Accounts() {
		all = append(all, candidate{text: a.ID, about: a.Name, kind: itemValue})
	}
	return all
}

func grants(w *world.World) []candidate {
	var all []candidate
	for _, k := range w.Keys() {
		for _, g := range k.Grants {
			all = append(all, candidate{text: caseline.Quote(g.Name), about: "on key/" + k.Name, kind: itemValue})
		}
	}
	return all
}

// clauses are the condition keys that requests for the actions of a line hold.
func clauses(c caseline.Completion) []candidate {
	var actions []string
	for _, w := range c.Case.Request.Actions {
		actions = append(actions, policy.ExpandAction(w.Text)...)
	}
	var all []candidate
	for _, k := range policy.ConditionKeys {
		if !held(k, actions) {
			continue
		}
		name := k.Name + "="
		if k.Prefix() {
			name = k.Name
		}
		all = append(all, candidate{text: name, about: k.Type.String(), kind: itemProperty, last: k.Global})
	}
	return all
}
