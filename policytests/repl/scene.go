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

// complete makes a whole request of what a command says and what the scene
// holds.
func (sc scene) complete(text string) (string, caseline.Request, error) {
	p, err := sc.positions(words(text))
	if err != nil {
		return "", caseline.Request{}, err
	}
	parts := append([]string{p.who, p.do}, p.on...)
	parts = append(parts, p.clauses...)
	parts = append(parts, sc.unsaid(p.clauses)...)
	whole := strings.Join(parts, " ")
	r, err := caseline.ParseRequest(whole)
	if err != nil {
		return whole, r, plain(err)
	}
	return whole, r, nil
}

// A request's words in their places.
type positions struct {
	who, do     string
	on, clauses []string
}

// positions finds out which parts a command names, and takes the others from
// the scene.
func (sc scene) positions(w []string) (positions, error) {
	p := positions{who: sc.who, do: sc.do}
	if len(w) > 0 && isPrincipal(w[0]) {
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
			return p, misuse("%s is about a resource: add it, such as key/payroll, or say it once: on key/payroll", p.do)
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

// unsaid are the clauses of the scene that a command does not replace.
func (sc scene) unsaid(clauses []string) []string {
	said := map[string]bool{}
	for i, w := range clauses {
		switch {
		case isPair(w):
			said[pairKey(w)] = true
		case w == "with" && i+1 < len(clauses):
			said["session"] = true
		default:
			said[w] = true
		}
	}
	var rest []string
	if !said["session"] {
		rest = append(rest, sc.session...)
	}
	for _, c := range []struct{ word, text string }{{"via", sc.via}, {"at", sc.at}, {"in", sc.in}} {
		if c.text != "" && !said[c.word] {
			rest = append(rest, c.word+" "+c.text)
		}
	}
	for _, k := range sc.keys {
		if !said[pairKey(k)] {
			rest = append(rest, k)
		}
	}
	return rest
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

// one is each request that a request with lists asks, in order.
func one(r caseline.Request) []caseline.Request {
	resources := [][]caseline.Word{nil}
	if len(r.Resources) > 0 {
		resources = slices.Collect(slices.Chunk(r.Resources, 1))
	}
	var all []caseline.Request
	for who := range slices.Chunk(r.Principals, 1) {
		for do := range slices.Chunk(r.Actions, 1) {
			for _, on := range resources {
				single := r
				single.Principals, single.Actions, single.Resources = who, do, on
				all = append(all, single)
			}
		}
	}
	return all
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
