package repl

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/engine/grant"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/policytests/repl/draft"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A Changed is what a command that changes the world answers.
type Changed struct {
	Changes []string `json:"changes"` // all of the session
	Off     []string `json:"off"`     // layers
	Given   []string `json:"given"`   // what there is besides
}

func (s *Session) changedAnswer(text string) Answer {
	value := Changed{Changes: []string{}, Off: append([]string{}, s.state.off...), Given: append([]string{}, s.state.given...)}
	for _, c := range s.state.changes {
		value.Changes = append(value.Changes, c.String())
	}
	return Answer{Text: text, Value: value}
}

// apply makes one more change.
func (s *Session) apply(c draft.Change) (Answer, error) {
	next := s.state
	next.changes = append(slices.Clone(next.changes), c)
	if err := s.changed(next); err != nil {
		return Answer{}, err
	}
	return s.changedAnswer(s.good("changed: ") + c.String()), nil
}

// addGrant reads grant GRANTEE OPERATIONS [on KEY] [name NAME] [retiree
// PRINCIPAL] [equals NAME=VALUE]… [subset NAME=VALUE]…, or as given lines have
// it: grant NAME on KEY to GRANTEE for OPERATIONS ….
func addGrant(_ context.Context, s *Session, rest string) (Answer, error) {
	w := words(rest)
	if len(w) >= 7 && w[1] == "on" && w[3] == "to" && w[5] == "for" {
		w = append([]string{w[4], w[6], "on", w[2], "name", w[0]}, w[7:]...)
	}
	if len(w) < 2 {
		return Answer{}, misuse("grant whom what? grant role/nightly [Decrypt, DescribeKey] on key/payroll")
	}
	g := draft.Grant{Equals: map[string]string{}, Subset: map[string]string{}}
	var err error
	if g.Grantee, err = s.arn(first(w[0])); err != nil {
		return Answer{}, err
	}
	for _, o := range list(w[1]) {
		g.Operations = append(g.Operations, strings.TrimPrefix(o, "kms:"))
	}
	on := s.state.scene.on
	for i := 2; i < len(w); i += 2 {
		if i+1 == len(w) {
			return Answer{}, misuse("something is missing after %s", w[i])
		}
		if w[i] == "on" {
			on = w[i+1]
		} else if err := s.grantClause(&g, w[i], w[i+1]); err != nil {
			return Answer{}, err
		}
	}
	if on == "" {
		return Answer{}, misuse("on which key? Add on key/NAME")
	}
	k, err := s.key(on)
	if err != nil {
		return Answer{}, err
	}
	if g.Key = keyOf(k); g.Name == "" {
		g.Name = freeGrant(k)
	}
	if err := fits(g, k); err != nil {
		return Answer{}, err
	}
	return s.apply(g)
}

func (s *Session) grantClause(g *draft.Grant, word, value string) (err error) {
	switch word {
	case "name":
		g.Name = value
	case "retiree":
		g.Retiree, err = s.arn(value)
	case "equals", "subset":
		if !isPair(value) {
			return misuse("after %s stands NAME=VALUE", word)
		}
		r, parseErr := caseline.ParseRequest(probe + value)
		if parseErr != nil {
			return plain(parseErr)
		}
		to := g.Equals
		if word == "subset" {
			to = g.Subset
		}
		for _, p := range r.Keys {
			to[strings.TrimPrefix(p.Key, "kms:EncryptionContext:")] = p.Values[0]
		}
	default:
		return misuse("%s is nothing that a grant has; it has on KEY, name NAME, retiree PRINCIPAL, equals NAME=VALUE, subset NAME=VALUE", word)
	}
	return err
}

// fits refuses a grant that CreateGrant would refuse on the key.
func fits(g draft.Grant, k *world.Key) error {
	var constraints *wire.GrantConstraints
	if len(g.Equals)+len(g.Subset) > 0 {
		constraints = &wire.GrantConstraints{EncryptionContextEquals: g.Equals, EncryptionContextSubset: g.Subset}
	}
	if err := grant.Check(g.Operations, constraints, spec.KeySpec(k.Spec), spec.Usage(k.Usage)); err != nil {
		return &Misuse{err}
	}
	return nil
}

// freeGrant is a name that no grant on a key has.
func freeGrant(k *world.Key) string {
	for i := 1; ; i++ {
		name := fmt.Sprintf("grant-%d", i)
		if !slices.ContainsFunc(k.Grants, func(g *world.Grant) bool { return g.Name == name }) {
			return name
		}
	}
}

func revoke(_ context.Context, s *Session, rest string) (Answer, error) {
	w := words(rest)
	target := s.state.scene.on
	if len(w) == 3 && w[1] == "on" {
		target, w = w[2], w[:1]
	}
	if len(w) != 1 || target == "" {
		return Answer{}, misuse("revoke which grant? revoke NAME on key/NAME; show grants lists them")
	}
	k, err := s.key(target)
	if err != nil {
		return Answer{}, err
	}
	return s.apply(draft.Revoke{Key: keyOf(k), Name: w[0]})
}

// putPolicy reads policy PLACE JSON, policy PLACE < FILE, policy PLACE none, or
// policy PLACE, which prints.
func putPolicy(ctx context.Context, s *Session, rest string) (Answer, error) {
	place, text := rest, ""
	if i := strings.IndexByte(rest, '{'); i >= 0 {
		place, text = rest[:i], rest[i:]
	}
	w := words(place)
	switch {
	case text != "":
		return s.put(w, text)
	case len(w) > 2 && w[len(w)-2] == "<":
		file, err := os.ReadFile(w[len(w)-1])
		if err != nil {
			return Answer{}, &Misuse{err}
		}
		return s.put(w[:len(w)-2], string(file))
	case len(w) > 1 && w[len(w)-1] == "none":
		slot, err := s.slot(w[:len(w)-1])
		if err != nil {
			return Answer{}, err
		}
		return s.apply(draft.Detach{Slot: slot})
	}
	return showPolicy(ctx, s, rest)
}

// put replaces a policy, or a file of the world.
func (s *Session) put(w []string, text string) (Answer, error) {
	if len(w) == 1 && path.Ext(w[0]) == ".json" {
		if _, there := s.current.draft.File(w[0]); !there {
			if _, err := parsePolicy(policy.Session, text); err != nil {
				return Answer{}, err
			}
		}
		return s.apply(draft.File{Name: w[0], Text: text + "\n"})
	}
	slot, err := s.slot(w)
	if err != nil {
		return Answer{}, err
	}
	if _, err := parsePolicy(slot.Kind(), text); err != nil {
		return Answer{}, err
	}
	return s.apply(draft.Policy{Slot: slot, Text: strings.TrimRight(text, " \t\r\n") + "\n"})
}

// parsePolicy reads a policy, and tells all that is wrong with it.
func parsePolicy(kind policy.Kind, text string) (*policy.Document, error) {
	doc, err := policy.Parse(kind, []byte(text))
	var faults policy.Errors
	if errors.As(err, &faults) {
		lines := []string{fmt.Sprintf("this is no %s policy:", kind)}
		for _, f := range faults {
			lines = append(lines, fmt.Sprintf("  line %d, column %d: %s: %s", f.Pos.Line, f.Pos.Column, f.Pos.Path, f.Message))
		}
		return nil, misuse("%s", strings.Join(lines, "\n"))
	}
	return doc, err
}

func edit(_ context.Context, s *Session, rest string) (Answer, error) {
	if s.cfg.Edit == nil {
		return Answer{}, misuse("edit needs a terminal; replace a policy with: policy PLACE { … }")
	}
	w := words(rest)
	text, name, err := s.policyText(w)
	if err != nil {
		return Answer{}, err
	}
	changed, err := s.cfg.Edit(name, text)
	if err != nil {
		return Answer{}, fmt.Errorf("editing %s: %w", name, err)
	}
	if changed == text {
		return Answer{Text: s.faint("nothing changed")}, nil
	}
	return s.put(w, changed)
}

// given adds what a given line of a case file adds: tags, aliases, grants,
// endpoints, services. given nothing takes all of it back.
func given(_ context.Context, s *Session, rest string) (Answer, error) {
	next := s.state
	next.given = append(slices.Clone(next.given), rest)
	if rest == "nothing" {
		next.given = nil
	} else if err := fact(rest); err != nil {
		return Answer{}, err
	}
	if err := s.changed(next); err != nil {
		return Answer{}, err
	}
	if rest == "nothing" {
		return s.changedAnswer(s.faint("given nothing besides the world")), nil
	}
	return s.changedAnswer(s.good("given: ") + rest), nil
}

// fact refuses what is no fact: clauses belong to the scene.
func fact(text string) error {
	var standing caseline.Standing
	if _, err := standing.Set("given " + text); err != nil {
		return plain(err)
	}
	if len(standing.Given) == 0 {
		return misuse("clauses of requests are said with as, via, at, in and set; given is for tags, aliases, grants, policies, endpoints and services")
	}
	return nil
}

// layerNames are the layers that can be switched off.
func layerNames() []string { return draft.Layers() }

func (s *Session) isOff(layer string) bool { return slices.Contains(s.state.off, layer) }

func switchOff(_ context.Context, s *Session, rest string) (Answer, error) {
	w := words(rest)
	if len(w) == 0 {
		return Answer{}, misuse("off which layer? off %s", strings.Join(layerNames(), ", off "))
	}
	next := s.state
	next.off = slices.Clone(next.off)
	for _, layer := range w {
		switch {
		case layer == "resource" || layer == "key":
			return Answer{}, misuse("a key always has a key policy; try another one: policy key/NAME { … }")
		case !slices.Contains(layerNames(), layer):
			return Answer{}, misuse("there is no layer %s to be off; there are %s", layer, strings.Join(layerNames(), ", "))
		case !slices.Contains(next.off, layer):
			next.off = append(next.off, layer)
		}
	}
	if err := s.changed(next); err != nil {
		return Answer{}, err
	}
	return s.changedAnswer(s.faint("off: " + strings.Join(s.state.off, ", "))), nil
}

func switchOn(_ context.Context, s *Session, rest string) (Answer, error) {
	next := s.state
	next.off = slices.DeleteFunc(slices.Clone(next.off), func(l string) bool { return slices.Contains(words(rest), l) })
	if len(next.off) == len(s.state.off) {
		return s.changedAnswer(s.faint("it was on")), nil
	}
	if err := s.changed(next); err != nil {
		return Answer{}, err
	}
	text := "all layers are on"
	if len(next.off) > 0 {
		text = "off: " + strings.Join(next.off, ", ")
	}
	return s.changedAnswer(s.faint(text)), nil
}

// undo takes the last change of the scene or the world back.
func undo(_ context.Context, s *Session, _ string) (Answer, error) {
	if len(s.past) == 0 {
		return Answer{}, misuse("there is nothing to undo")
	}
	last := s.past[len(s.past)-1]
	undone := s.difference(last)
	v, err := s.build(s.base, last)
	if err != nil {
		return Answer{}, err
	}
	s.current, s.state, s.past = v, last, s.past[:len(s.past)-1]
	return s.changedAnswer(s.faint("undone: " + undone)), nil
}

// difference names what the last step did.
func (s *Session) difference(before state) string {
	switch now := s.state; {
	case len(now.changes) > len(before.changes):
		return now.changes[len(now.changes)-1].String()
	case len(now.changes) < len(before.changes):
		return "reset"
	case len(now.given) > len(before.given):
		return "given " + now.given[len(now.given)-1]
	case len(now.given) < len(before.given):
		return "given nothing"
	case !slices.Equal(now.off, before.off):
		return "off " + strings.Join(now.off, " ")
	case !reflect.DeepEqual(now.scene, before.scene):
		return strings.Join(added(now.scene.lines(), before.scene.lines()), " · ")
	}
	return "nothing"
}

// added are the lines of now that before did not have; all of before, if none.
func added(now, before []string) []string {
	had := map[string]bool{}
	for _, l := range before {
		had[l] = true
	}
	fresh := slices.DeleteFunc(slices.Clone(now), func(l string) bool { return had[l] })
	if len(fresh) > 0 {
		return fresh
	}
	for _, l := range now {
		delete(had, l)
	}
	return slices.Sorted(maps.Keys(had))
}

// reset goes back to the world as it was loaded, and an empty scene.
func reset(_ context.Context, s *Session, _ string) (Answer, error) {
	if err := s.changed(state{}); err != nil {
		return Answer{}, err
	}
	return s.changedAnswer(s.faint("the world is as it was loaded; the scene is empty")), nil
}
