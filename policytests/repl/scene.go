package repl

import (
	"errors"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A scene is what a request holds that names only a part of it. All parts are
// written as in case lines.
type scene struct {
	who     string   // principal
	session []string // clauses session and with
	do      string   // action
	on      string   // resource
	via     string   // endpoint NAME or service NAMES
	at, in  string
	keys    []string // KEY=VALUE and !KEY
}

// A request is a whole one, about one principal, action and resource.
type request struct {
	caseline.Request
	text string // as a case line has it
}

// complete makes whole requests of what a command says and what the scene
// holds: one for each combination, where there are lists. text is all of it.
func (sc scene) complete(line string) (text string, all []request, err error) {
	p, err := sc.positions(words(line))
	if err != nil {
		return "", nil, err
	}
	if text = sc.whole(p); strings.Contains(text, "[") {
		if _, err := caseline.ParseRequest(text); err != nil { // faults of lists are lost below
			return text, nil, plain(err)
		}
	}
	for _, who := range list(p.who) {
		for _, do := range list(p.do) {
			single := positions{who: who, do: do, clauses: p.clauses, scene: p.scene}
			for _, on := range lists(p.on) {
				single.on = on
				whole := sc.whole(single)
				r, err := caseline.ParseRequest(whole)
				if err != nil {
					return text, nil, plain(err)
				}
				all = append(all, request{r, whole})
			}
		}
	}
	return text, all, nil
}

// whole is a request with what the scene adds.
func (sc scene) whole(p positions) string {
	parts := append([]string{p.who, p.do}, p.on...)
	parts = append(parts, p.clauses...)
	return strings.Join(append(parts, sc.unsaid(p)...), " ")
}

// lists are the resources of a word, each by itself; one nothing, if there is
// none.
func lists(on []string) [][]string {
	if len(on) == 0 {
		return [][]string{nil}
	}
	return slices.Collect(slices.Chunk(list(on[0]), 1))
}

// A request's words in their places.
type positions struct {
	who, do     string
	on, clauses []string
	scene       bool // the principal is the scene's
}

// positions finds out which parts a command names, and takes the others from
// the scene.
func (sc scene) positions(w []string) (positions, error) {
	p := positions{who: sc.who, do: sc.do, scene: true}
	if len(w) > 0 && isPrincipal(w[0]) {
		p.scene = w[0] == sc.who
		p.who, w = w[0], w[1:]
	}
	if len(w) > 0 && isAction(w[0]) {
		p.do, w = w[0], w[1:]
	}
	if len(w) > 0 && !isClause(w[0]) {
		if !isResource(w[0]) {
			return p, sc.stray(w[0])
		}
		p.on, w = w[:1], w[1:]
	}
	p.clauses = w
	switch {
	case p.who == "":
		return p, misuse("who asks? Begin with a principal such as role/payroll, or say it once: as role/payroll")
	case p.do == "":
		return p, misuse("what is asked for? Add an action such as kms:Decrypt, or say it once: do kms:Decrypt")
	case p.on == nil && needsResource(p.do):
		if sc.on == "" {
			return p, misuse("%s is about a resource: add it, such as key/NAME, or say it once: on key/NAME", p.do)
		}
		p.on = []string{sc.on}
	}
	return p, nil
}

// stray is a word that is in no place.
func (sc scene) stray(word string) error {
	hint := ""
	if a, known := policy.ActionNamed("kms:" + word); known {
		hint = "; did you mean " + a.Name + "?"
	}
	return misuse("%s is no principal (role/payroll), action (kms:Decrypt), resource (key/payroll) or clause (KEY=VALUE, via …)%s", word, hint)
}

// unsaid are the clauses of the scene that a command does not replace, and that
// requests for its action can have.
func (sc scene) unsaid(p positions) []string {
	said := map[string]bool{}
	for _, w := range p.clauses {
		switch {
		case isPair(w):
			said[pairKey(w)] = true
		case w == "with":
			said["session"] = true
		default:
			said[w] = true
		}
	}
	var rest []string
	if !said["session"] && p.scene {
		rest = append(rest, sc.session...)
	}
	for _, c := range []struct{ word, text string }{{"via", sc.via}, {"at", sc.at}, {"in", sc.in}} {
		if c.text != "" && !said[c.word] {
			rest = append(rest, c.word+" "+c.text)
		}
	}
	for _, k := range sc.keys {
		if !said[pairKey(k)] && holds(p.do, pairKey(k)) {
			rest = append(rest, k)
		}
	}
	return rest
}

// holds tells whether requests for an action, or for one of several, can hold a
// condition key.
func holds(do, key string) bool {
	row, known := policy.ConditionKeyNamed(key)
	return !known || row.Global || slices.ContainsFunc(list(do), func(action string) bool {
		a, known := policy.ActionNamed(action)
		return !known || slices.Contains(a.ConditionKeys, row.Name)
	})
}

// plain is an error of the parser without its place: the line that it tells of
// is not the one that was typed.
func plain(err error) error {
	var e caseline.Error
	if errors.As(err, &e) {
		return &Misuse{errors.New(e.Message)}
	}
	return &Misuse{err}
}

// lines are the scene as the commands that make it.
func (sc scene) lines() []string {
	var all []string
	if sc.who != "" {
		all = append(all, strings.Join(append([]string{"as", sc.who}, sc.session...), " "))
	}
	for _, c := range []struct{ word, text string }{{"do", sc.do}, {"on", sc.on}, {"via", sc.via}, {"at", sc.at}, {"in", sc.in}} {
		if c.text != "" {
			all = append(all, c.word+" "+c.text)
		}
	}
	if len(sc.keys) > 0 {
		all = append(all, "set "+strings.Join(sc.keys, " "))
	}
	return all
}
