package lsp

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// maxWord bounds what is looked up.
const maxWord = 2048

// hover says what the word at a place is: an action, a condition key, an
// operator, an ARN, or a name of the world.
func (v *view) hover(_ context.Context, d *document, offset int) (*hover, error) {
	begin, end := wordAt(d.text.body, offset)
	word := strings.TrimRight(d.text.body[begin:end], ":")
	if word == "" || len(word) > maxWord {
		return nil, nil
	}
	says := aboutAction(word)
	if says == "" {
		says = aboutKey(word)
	}
	if says == "" {
		says = aboutOperator(word)
	}
	if says == "" {
		says = v.aboutName(d, word)
	}
	if says == "" {
		return nil, nil
	}
	at := d.text.span(begin, begin+len(word))
	return &hover{Contents: markup{"markdown", says}, Range: &at}, nil
}

// aboutAction is what the table has of an action, or which actions a pattern
// stands for.
func aboutAction(word string) string {
	if a, ok := policy.ActionNamed(word); ok {
		return describeAction(a)
	}
	if !strings.ContainsAny(word, "*?") || !strings.Contains(word, ":") || strings.Count(word, ":") > 1 {
		return ""
	}
	names := policy.ExpandAction(word)
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("**`%s`**: %d actions\n\n%s", word, len(names), codes(names))
}

func describeAction(a policy.Action) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**`%s`**\n\n", a.Name)
	line := func(format string, args ...any) { fmt.Fprintf(&b, "- "+format+"\n", args...) }
	switch {
	case a.Operation == "":
		line("No operation asks for it.")
	case !strings.HasSuffix(a.Name, ":"+a.Operation):
		line("`%s` asks for it.", a.Operation)
	}
	if len(a.Resources) == 0 {
		line("Names no resource: only `\"Resource\": \"*\"` in IAM policies allows it.")
	} else {
		kinds := make([]string, len(a.Resources))
		for i, r := range a.Resources {
			kinds[i] = r.String()
		}
		line("Asked about: %s.", strings.Join(kinds, ", "))
	}
	switch {
	case a.CrossAccount:
		line("Can be allowed to other accounts.")
	case a.On(policy.KeyResource):
		line("Stays in the account of the key, whatever policies say.")
	}
	if a.ReadOnly {
		line("Changes nothing and uses no key.")
	}
	if len(a.ConditionKeys) > 0 {
		line("Condition keys besides the global ones: %s.", codes(a.ConditionKeys))
	} else {
		line("Has only the global condition keys.")
	}
	return b.String()
}

func codes(names []string) string { return "`" + strings.Join(names, "`, `") + "`" }

// aboutKey is what the table has of a condition key.
func aboutKey(word string) string {
	k, ok := policy.ConditionKeyNamed(word)
	if !ok || !strings.Contains(word, ":") {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "**`%s`**", k.Name)
	if k.Prefix() {
		b.WriteString("NAME")
	}
	b.WriteString("\n\n")
	line := func(format string, args ...any) { fmt.Fprintf(&b, "- "+format+"\n", args...) }
	var operators []string
	for _, o := range policy.Operators {
		if k.Fits(o.Type) {
			operators = append(operators, o.Name)
		}
	}
	line("Type: %s. Operators that fit: %s.", k.Type, codes(operators))
	if k.Many {
		line("May have several values: a set operator (`ForAnyValue:`, `ForAllValues:`) says how many must match. `ForAllValues:` also holds when there is none.")
	} else {
		line("Has one value at most.")
	}
	switch actions := k.Actions(); {
	case k.Absent:
		line("No request to keyreeve ever holds it, so only negated operators and `…IfExists` match.")
	case k.Global:
		line("In requests for every action.")
	case len(actions) > 0:
		line("In requests for: %s.", codes(actions))
	}
	return b.String()
}

// aboutOperator is what a condition operator compares.
func aboutOperator(word string) string {
	name := word
	set := ""
	if qualifier, rest, found := strings.Cut(word, ":"); found {
		set, name = qualifier, rest
	}
	exists := len(name) > len("IfExists") && strings.EqualFold(name[len(name)-len("IfExists"):], "IfExists")
	if exists {
		name = name[:len(name)-len("IfExists")]
	}
	o, ok := policy.OperatorNamed(name)
	if !ok {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "**`%s`** compares as %s.\n\n", word, o.Type)
	line := func(on bool, text string) {
		if on {
			b.WriteString("- " + text + "\n")
		}
	}
	line(o.Type == policy.PresenceType, "`true`: the key is absent; `false`: it is there.")
	line(o.Wildcards, "`*` and `?` are patterns.")
	line(o.FoldCase, "Letters of either case are equal.")
	line(o.Negated, "Holds if no value matches, and also if the key is absent.")
	line(!o.Negated && o.Type != policy.PresenceType && !exists, "Does not hold if the key is absent.")
	line(exists, "Holds also if the key is absent.")
	line(strings.EqualFold(set, "ForAnyValue"), "One of the request's values must match.")
	line(strings.EqualFold(set, "ForAllValues"), "All of the request's values must match: also if there is none.")
	return b.String()
}

// aboutName is what an ARN says, and who or what it is in the world.
func (v *view) aboutName(d *document, word string) string {
	parts := strings.SplitN(word, ":", 6)
	isARN := len(parts) == 6 && parts[0] == "arn"
	account := len(word) == 12 && strings.Trim(word, "0123456789") == ""
	if !isARN && !account && !strings.Contains(word, "/") {
		return ""
	}
	w := v.names(d)
	if !isARN {
		return aboutShort(w, word)
	}
	var b strings.Builder
	kind, name, _ := strings.Cut(parts[5], "/")
	fmt.Fprintf(&b, "**%s of %s**: `%s`\n\n", kind, parts[2], name)
	if name == "" {
		b.Reset()
		fmt.Fprintf(&b, "**%s of %s**\n\n", kind, parts[2])
	}
	if parts[4] != "" {
		fmt.Fprintf(&b, "- Account: %s\n", accountName(w, parts[4]))
	}
	if parts[3] != "" {
		fmt.Fprintf(&b, "- Region: %s\n", parts[3])
	}
	switch {
	case strings.ContainsAny(word, "*?"):
		b.WriteString("- A pattern\n")
	case w != nil:
		b.WriteString("- " + inWorld(w, word) + "\n")
	}
	return b.String()
}

func accountName(w *world.World, id string) string {
	if w == nil {
		return id
	}
	a, ok := w.Account(id)
	switch {
	case !ok:
		return id + ", which the world does not have"
	case a.Name != "":
		return id + " (" + a.Name + ")"
	}
	return id
}

func inWorld(w *world.World, arn string) string {
	if p, ok := w.Principal(arn); ok {
		return "In the world, with the unique id `" + p.PrincipalID() + "`"
	}
	if _, ok := w.RootAccount(arn); ok {
		return "Stands for the account"
	}
	for _, k := range w.Keys() {
		if strings.HasSuffix(arn, ":"+k.Account+":key/"+k.ID) {
			return "In the world: " + describeKey(k)
		}
	}
	return "The world does not have it"
}

func describeKey(k *world.Key) string {
	text := fmt.Sprintf("`key/%s`, %s, %s, of %s in %s", k.Name, k.Spec, k.State, k.Account, k.Region)
	if len(k.Aliases) > 0 {
		text += ", " + codes(k.Aliases)
	}
	return text
}

// aboutShort is about a name as case lines have it.
func aboutShort(w *world.World, word string) string {
	if w == nil {
		return ""
	}
	if _, ok := w.Account(word); ok {
		return "**account** " + accountName(w, word)
	}
	name, _, _ := strings.Cut(word, "@")
	var found []string
	for _, k := range w.Keys() {
		if name == "key/"+k.Name || name == "key/"+k.ID || slices.Contains(k.Aliases, name) {
			found = append(found, "- "+describeKey(k))
		}
	}
	for _, arn := range w.Principals() {
		kind, rest, _ := strings.Cut(arn[strings.LastIndexByte(arn, ':')+1:], "/")
		if name == kind+"/"+rest[strings.LastIndexByte(rest, '/')+1:] {
			found = append(found, "- `"+arn+"`")
		}
	}
	if len(found) == 0 {
		return ""
	}
	return "**`" + word + "`**\n\n" + strings.Join(found, "\n")
}
