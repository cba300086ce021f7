package policytests

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// Bounds of an else line: requests that it may ask, and those that a failure
// lists.
const (
	maxElse      = 2_000_000
	maxWitnesses = 5
)

// A closed is an else line on its way: everything is denied but what the other
// lines allow.
type closed struct {
	root  *Asker // about the world as its files have it
	asker *Asker // and with what is given where the line stands
	dir   string
	lines []caseline.Case // that it speaks of

	allowed map[string][]setting // what they allow, by principal, action and resource
}

// A setting is a request, and what the world holds besides.
type setting struct {
	caseline.Request
	given []caseline.Given
	room  *Asker // about that world
}

// otherwise asks about each principal, action, resource and context, and finds
// those that are allowed though no line says so.
func (a *Asker) otherwise(ctx context.Context, j *job, root *Asker, dir string) (asked int, f *Failure, err error) {
	q := closed{root: root, asker: a, dir: dir, allowed: map[string][]setting{}}
	if err := q.scope(j); err != nil {
		return 0, nil, err
	}
	requests, err := q.requests(j.line)
	if err != nil {
		return 0, nil, err
	}
	f = &Failure{}
	for r := range requests {
		d, possible, err := q.ask(ctx, r)
		switch {
		case err != nil:
			return asked, nil, err
		case !possible:
			continue
		}
		asked++
		j.noted.note(d, j)
		switch {
		case !d.Allowed || q.covers(r):
		case len(f.Witnesses) == maxWitnesses:
			f.More++
		default:
			f.Witnesses = append(f.Witnesses, r.witness("allow"))
		}
	}
	n := len(f.Witnesses) + f.More
	switch {
	case asked == 0:
		return 0, nil, failf(caseline.Word{Pos: j.line.Pos}, "no request fits this line, so there is nothing that it says")
	case n == 0:
		return asked, nil, nil
	}
	f.Wanted = "deny of all that no line allows"
	f.Got = fmt.Sprintf("%d of %d requests allowed though no line says so", n, asked)
	return asked, f, nil
}

// scope gathers the lines that the line at hand speaks of, and what they allow.
func (q *closed) scope(j *job) error {
	for _, c := range j.peers {
		if (j.line.Whole || c.Group == j.line.Group) && !c.Kind.Documents() && c.Kind != caseline.Else && c.Kind != caseline.No {
			q.lines = append(q.lines, c)
		}
	}
	if len(q.lines) == 0 {
		return failf(caseline.Word{Pos: j.line.Pos}, "there are no other lines that this one could speak of")
	}
	for _, c := range q.lines {
		if c.Kind != caseline.Allow && c.Kind != caseline.Only {
			continue
		}
		for _, r := range c.Request.Each() {
			if err := q.allow(setting{Request: r, given: c.Given}); err != nil {
				return err
			}
		}
	}
	return nil
}

// identity is what two lines have in common that speak of the same principal,
// action and resource, whatever they call them.
func (q *closed) identity(r setting) (string, error) {
	o, err := q.asker.owner(r.Principals[0], r.Account)
	if err != nil {
		return "", err
	}
	action, _ := policy.ActionNamed(r.Actions[0].Text)
	return strings.Join([]string{o.String(), action.Name, q.asker.resourceName(r)}, " "), nil
}

// String tells owners apart.
func (o owner) String() string {
	switch {
	case o.role != nil:
		return o.role.ARN
	case o.key.User != nil:
		return o.key.User.ARN
	case o.key.Federated != nil:
		return o.key.Federated.ARN
	case o.key.Identity != nil:
		return o.key.Identity.ARN
	}
	return o.key.Service + o.key.Account
}

// resourceName is one name for all that a resource can be called.
func (a *Asker) resourceName(r setting) string {
	if len(r.Resources) == 0 {
		return "*"
	}
	w := r.Resources[0]
	if k, err := a.key(w, r.Account.Text, r.Region.Text); err == nil && k != nil {
		return k.ARN
	}
	return w.Text
}

func (q *closed) allow(r setting) error {
	id, err := q.identity(r)
	if err == nil {
		q.allowed[id] = append(q.allowed[id], r)
	}
	return err
}

// covers tells whether a line says that a request is allowed: one about the
// same principal, action and resource, all of whose clauses and givens it has.
func (q *closed) covers(r setting) bool {
	id, err := q.identity(r)
	if err != nil {
		return false
	}
	has := sameWords(r.Request)
	return slices.ContainsFunc(q.allowed[id], func(line setting) bool {
		return !slices.ContainsFunc(sameWords(q.asker.effective(line.Request)), func(clause string) bool { return !slices.Contains(has, clause) }) &&
			!slices.ContainsFunc(line.given, func(g caseline.Given) bool { return !r.holds(g) })
	})
}

// sameWords are the clauses of a request, with one spelling for what is the
// same: condition keys in any case, lists in any order.
func sameWords(r caseline.Request) []string {
	keys := slices.Clone(r.Keys)
	for i, p := range keys {
		keys[i].Key = sameKey(p.Key)
		keys[i].Values = slices.Sorted(slices.Values(p.Values))
	}
	absent := slices.Clone(r.Absent)
	for i, w := range absent {
		absent[i].Text = sameKey(w.Text)
	}
	r.Keys, r.Absent = keys, absent
	return r.Clauses()
}

// sameKey is the lower-case name of a condition key; what follows a prefix
// keeps its case.
func sameKey(key string) string {
	row, known := policy.ConditionKeyNamed(key)
	if known && row.Prefix() && len(key) >= len(row.Name) {
		return strings.ToLower(row.Name) + key[len(row.Name):]
	}
	return strings.ToLower(key)
}

// holds tells whether something is given.
func (r setting) holds(g caseline.Given) bool {
	return slices.ContainsFunc(r.given, func(other caseline.Given) bool { return other.Text == g.Text && other.Standing.Text == g.Standing.Text })
}

// witness is a line that says what came out.
func (r setting) witness(verdict string) string {
	var b strings.Builder
	for _, g := range r.given {
		b.WriteString(g.Text + "\n")
	}
	return b.String() + verdict + " " + r.String()
}

// requests are all that the line is about, in a fixed order.
func (q *closed) requests(c caseline.Case) (iter.Seq[setting], error) {
	principals, err := q.principals(c.Request)
	if err != nil {
		return nil, err
	}
	actions, err := q.actions(c.Request.Actions)
	if err != nil {
		return nil, err
	}
	resources := q.resources(c.Request)
	contexts, err := q.contexts()
	if err != nil {
		return nil, err
	}
	if n := len(principals) * len(actions) * len(resources) * len(contexts); n > maxElse {
		return nil, failf(caseline.Word{Pos: c.Pos}, "this is about %d requests, more than %d; say whom and what it is about: else deny PRINCIPALS ACTIONS RESOURCES", n, maxElse)
	}
	return func(yield func(setting) bool) {
		for _, p := range principals {
			for _, act := range actions {
				for _, res := range resources {
					for _, r := range q.among(contexts, p, act, res) {
						if !yield(r) {
							return
						}
					}
				}
			}
		}
	}, nil
}

// among are the requests of one principal, action and resource in each
// context, each once: not all contexts differ in what a request can hold.
func (q *closed) among(contexts []setting, principal, action caseline.Word, resource []caseline.Word) []setting {
	all := make([]setting, 0, len(contexts))
	seen := map[string]bool{}
	for _, r := range contexts {
		r.Principals, r.Actions, r.Resources = []caseline.Word{principal}, []caseline.Word{action}, resource
		r.Request = q.asker.effective(r.Request)
		if len(contexts) > 1 {
			text := r.witness("")
			if seen[text] {
				continue
			}
			seen[text] = true
		}
		all = append(all, r)
	}
	return all
}

// contexts are the clauses of the lines. Each request holds of them what it
// can.
func (q *closed) contexts() ([]setting, error) {
	var all []setting
	seen := map[string]bool{}
	for _, c := range q.lines {
		r := setting{Request: c.Request, given: c.Given}
		var err error
		if r.room, err = q.root.With(c.Given, q.dir); err != nil {
			return nil, err
		}
		r.Principals, r.Actions, r.Resources = nil, nil, nil
		keys := slices.Clone(r.Keys)
		for i := range keys {
			keys[i].Standing = true
		}
		absent := slices.Clone(r.Absent)
		for i := range absent {
			absent[i].Standing = true
		}
		r.Keys, r.Absent, r.Session.Standing = keys, absent, r.Session.Given
		if text := r.Account.Text + r.witness(""); !seen[text] {
			seen[text] = true
			all = append(all, r)
		}
	}
	return all, nil
}

// ask decides a request. It is not possible if no principal could make it.
func (q *closed) ask(ctx context.Context, r setting) (d decision.Decision, possible bool, err error) {
	d, err = r.room.Ask(ctx, r.Request, q.dir)
	var senseless caseline.Error
	if errors.As(err, &senseless) {
		return d, false, nil
	}
	return d, true, err
}

// principals are those that the line names, or all of the world.
func (q *closed) principals(r caseline.Request) ([]caseline.Word, error) {
	if len(r.Principals) == 0 {
		return q.asker.Everybody(), nil
	}
	return q.asker.principalsLike(r.Principals, r.Account)
}

// actions are those that the line names, or those of the other lines.
func (q *closed) actions(words []caseline.Word) ([]caseline.Word, error) {
	if len(words) == 0 {
		for _, c := range q.lines {
			words = append(words, c.Request.Actions...)
		}
	}
	return q.asker.actionsLike(words)
}

// resources are those that the line names, or those of the other lines; each
// is a list of one, or nil for no resource.
func (q *closed) resources(r caseline.Request) [][]caseline.Word {
	var all [][]caseline.Word
	add := func(words ...caseline.Word) {
		if !slices.ContainsFunc(all, func(have []caseline.Word) bool {
			return len(have) == len(words) && (len(have) == 0 || have[0].Text == words[0].Text)
		}) {
			all = append(all, words)
		}
	}
	for _, w := range r.Resources {
		if !strings.Contains(w.Text, "/") || !strings.Contains(w.Text, "*") {
			add(w)
			continue
		}
		for _, k := range matching(w, q.asker.EveryKey()) {
			add(k)
		}
	}
	if len(r.Resources) > 0 {
		return all
	}
	for _, c := range q.lines {
		if len(c.Request.Resources) == 0 {
			add()
		}
		for _, w := range c.Request.Resources {
			add(w)
		}
	}
	return all
}
