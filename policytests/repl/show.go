package repl

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A Listing is what show answers for lists: rows with named columns.
type Listing struct {
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`
}

// listings are what show lists.
var listings = map[string]func(*Session) Listing{
	"accounts":   accounts,
	"principals": principals,
	"keys":       keys,
	"aliases":    aliases,
	"grants":     grants,
	"policies":   policies,
	"endpoints":  endpoints,
	"services":   services,
	"actions":    actions,
	"layers":     layers,
}

// topics are all that show knows, in the order of its help.
var topics = []string{
	"scene", "accounts", "principals", "keys", "aliases", "grants", "policies", "endpoints", "services", "actions", "condition-keys",
	"layers", "changes", "policy", "rego",
}

func show(ctx context.Context, s *Session, rest string) (Answer, error) {
	topic, after := cutWord(rest)
	if f, known := listings[topic]; known {
		return s.listing(f(s)), nil
	}
	switch topic {
	case "":
		a, err := s.sceneAnswer()
		a.Text += "\n" + s.faint("show also lists "+strings.Join(topics[1:], ", "))
		return a, err
	case "scene":
		return s.sceneAnswer()
	case "condition-keys":
		return s.conditionKeys(after)
	case "changes":
		a := s.changedAnswer("")
		lines := a.Value.(Changed).Changes
		for _, g := range s.state.given {
			lines = append(lines, "given "+g)
		}
		a.Text = strings.Join(lines, "\n")
		if a.Text == "" {
			a.Text = s.faint("the world is as it was loaded")
		}
		return a, nil
	case "policy":
		return showPolicy(ctx, s, after)
	case "rego":
		return s.showRego(after)
	}
	if near := nearest(topic, topics); near != "" {
		return Answer{}, misuse("there is no show %s; did you mean show %s?", topic, near)
	}
	return Answer{}, misuse("show what? show %s", strings.Join(topics, ", "))
}

func (s *Session) listing(l Listing) Answer {
	if l.Rows == nil {
		l.Rows = [][]string{}
	}
	if len(l.Rows) == 0 {
		return Answer{Value: l, Text: s.faint("there are none")}
	}
	return Answer{Value: l, Text: s.table(l.Columns, l.Rows)}
}

func accounts(s *Session) Listing {
	l := Listing{Columns: []string{"account", "name", "regions", "unit"}}
	for _, a := range s.current.world.Accounts() {
		unit := ""
		if o := s.current.world.Organization(); o != nil {
			unit = o.Path(a.ID)
		}
		l.Rows = append(l.Rows, []string{a.ID, a.Name, strings.Join(a.Regions, " "), unit})
	}
	return l
}

func principals(s *Session) Listing {
	l := Listing{Columns: []string{"principal", "account", "policies", "boundary"}}
	names := func(lists ...[]*world.Policy) string {
		var all []string
		for _, p := range slices.Concat(lists...) {
			all = append(all, p.Name)
		}
		return strings.Join(all, " ")
	}
	boundary := func(p *world.Policy) string {
		if p == nil {
			return ""
		}
		return p.Name
	}
	for _, a := range s.current.world.Accounts() {
		l.Rows = append(l.Rows, []string{"root", a.ID})
		for _, u := range a.Users {
			lists := [][]*world.Policy{u.Inline, u.Managed}
			for _, g := range u.Groups {
				lists = append(lists, g.Inline, g.Managed)
			}
			l.Rows = append(l.Rows, []string{"user/" + u.Name, a.ID, names(lists...), boundary(u.Boundary)})
		}
		for _, r := range a.Roles {
			l.Rows = append(l.Rows, []string{"role/" + r.Name, a.ID, names(r.Inline, r.Managed), boundary(r.Boundary)})
		}
		for _, f := range a.Federated {
			l.Rows = append(l.Rows, []string{"federated/" + f.Name, a.ID, names(f.Session)})
		}
		for _, i := range a.Identities {
			l.Rows = append(l.Rows, []string{"web/" + i.Name, a.ID, names(i.Session)})
		}
	}
	return l
}

func keys(s *Session) Listing {
	l := Listing{Columns: []string{"key", "account", "region", "spec", "usage", "state", "policy", "aliases", "id"}}
	for _, k := range s.current.world.Keys() {
		file := "default"
		if k.Policy != nil {
			file = k.Policy.File
		}
		l.Rows = append(l.Rows, []string{"key/" + k.Name, k.Account, k.Region, k.Spec, k.Usage, k.State, file, strings.Join(k.Aliases, " "), k.ID})
	}
	return l
}

func aliases(s *Session) Listing {
	l := Listing{Columns: []string{"alias", "key", "account", "region"}}
	for _, k := range s.current.world.Keys() {
		for _, a := range k.Aliases {
			l.Rows = append(l.Rows, []string{a, "key/" + k.Name, k.Account, k.Region})
		}
	}
	return l
}

func grants(s *Session) Listing {
	l := Listing{Columns: []string{"grant", "key", "grantee", "operations", "constraint"}}
	for _, k := range s.current.world.Keys() {
		for _, g := range k.Grants {
			var limits []string
			for word, pairs := range map[string]map[string]string{"equals": g.Equals, "subset": g.Subset} {
				for name, value := range pairs {
					limits = append(limits, word+" "+name+"="+value)
				}
			}
			slices.Sort(limits)
			l.Rows = append(l.Rows, []string{g.Name, "key/" + k.Name + "@" + k.Account, g.Grantee, strings.Join(g.Operations, " "), strings.Join(limits, " ")})
		}
	}
	return l
}

func policies(s *Session) Listing {
	l := Listing{Columns: []string{"policy", "kind", "statements", "file"}}
	for _, p := range s.places() {
		l.Rows = append(l.Rows, []string{p.slot.String(), p.slot.Kind().String(), fmt.Sprint(len(p.policy.Document.Statements)), p.policy.File})
	}
	return l
}

func endpoints(s *Session) Listing {
	l := Listing{Columns: []string{"endpoint", "account", "region", "vpc", "policy"}}
	for _, e := range s.current.world.Endpoints() {
		file := "full access"
		if e.Policy != nil {
			file = e.Policy.File
		}
		l.Rows = append(l.Rows, []string{e.ID, e.Account, e.Region, e.VPC, file})
	}
	return l
}

func services(s *Session) Listing {
	l := Listing{Columns: []string{"service", "acts for", "regions", "actions"}}
	for _, v := range s.current.world.Services() {
		if len(v.ActsFor) == 0 {
			l.Rows = append(l.Rows, []string{v.Principal, "nobody"})
		}
		for _, m := range v.ActsFor {
			l.Rows = append(l.Rows, []string{v.Principal, strings.Join(m.Accounts, " "), strings.Join(m.Regions, " "), strings.Join(m.Actions, " ")})
		}
	}
	return l
}

func actions(*Session) Listing {
	l := Listing{Columns: []string{"action", "about", "across accounts"}}
	for _, a := range policy.Actions {
		about, across := "*", "no"
		if len(a.Resources) > 0 {
			all := make([]string, len(a.Resources))
			for i, r := range a.Resources {
				all[i] = r.String()
			}
			about = strings.Join(all, ", ")
		}
		if a.CrossAccount {
			across = "yes"
		}
		l.Rows = append(l.Rows, []string{a.Name, about, across})
	}
	return l
}

func layers(s *Session) Listing {
	l := Listing{Columns: []string{"layer", "is"}}
	for _, name := range layerNames() {
		is := "on"
		if s.isOff(name) {
			is = "off"
		}
		l.Rows = append(l.Rows, []string{name, is})
	}
	return l
}

// conditionKeys lists the condition keys that requests for an action can hold.
func (s *Session) conditionKeys(action string) (Answer, error) {
	l := Listing{Columns: []string{"condition key", "type", "values"}}
	rows := policy.ConditionKeys
	if action != "" {
		if err := knownAction(action); err != nil {
			return Answer{}, err
		}
		rows = keysOf(action)
	}
	for _, k := range rows {
		many := "one"
		if k.Many {
			many = "many"
		}
		l.Rows = append(l.Rows, []string{k.Name, k.Type.String(), many})
	}
	return s.listing(l), nil
}

// keysOf are the condition keys that requests for an action can hold, those of
// the action before the global ones.
func keysOf(action string) []policy.ConditionKey {
	a, _ := policy.ActionNamed(action)
	var own, global []policy.ConditionKey
	for _, k := range policy.ConditionKeys {
		switch {
		case k.Absent:
		case k.Global:
			global = append(global, k)
		case slices.Contains(a.ConditionKeys, k.Name):
			own = append(own, k)
		}
	}
	return append(own, global...)
}
