package policytests

import (
	"context"
	"errors"
	"fmt"
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
	asker *Asker
	dir   string
	lines []caseline.Case // that it speaks of

	allowed map[string][]caseline.Request // what they allow, by principal, action and resource
}

// otherwise asks about each principal, action, resource and context, and finds
// those that are allowed though no line says so.
func (a *Asker) otherwise(ctx context.Context, j *job, dir string) (asked int, f *Failure, err error) {
	q := closed{asker: a, dir: dir, allowed: map[string][]caseline.Request{}}
	for _, c := range j.peers {
		if (j.line.Whole || c.Group == j.line.Group) && !c.Kind.Documents() && c.Kind != caseline.Else && c.Kind != caseline.No {
			q.lines = append(q.lines, c)
		}
	}
	if len(q.lines) == 0 {
		return 0, nil, failf(caseline.Word{Pos: j.line.Pos}, "there are no other lines that this one could speak of")
	}
	for _, c := range q.lines {
		if c.Kind != caseline.Allow && c.Kind != caseline.Only {
			continue
		}
		for _, r := range combinations(c.Request) {
			if err := q.allow(r); err != nil {
				return 0, nil, err
			}
		}
	}
	requests, err := q.requests(j.line)
	if err != nil {
		return 0, nil, err
	}
	f = &Failure{}
	for _, r := range requests {
		d, possible, err := q.ask(ctx, r)
		switch {
		case err != nil:
			return asked, nil, err
		case !possible:
			continue
		}
		asked++
		if !d.Allowed || q.covers(r) {
			continue
		}
		if len(f.Witnesses) == maxWitnesses {
			f.More++
			continue
		}
		f.Witnesses = append(f.Witnesses, "allow "+a.effective(r).String())
	}
	if asked == 0 {
		return 0, nil, failf(caseline.Word{Pos: j.line.Pos}, "no request fits this line, so there is nothing that it says")
	}
	if n := len(f.Witnesses) + f.More; n > 0 {
		f.Wanted = "deny of all that no line allows"
		f.Got = fmt.Sprintf("%d of %d requests that no line names are allowed", n, asked)
		return asked, f, nil
	}
	return asked, nil, nil
}

// identity is what two lines have in common that speak of the same principal,
// action and resource, whatever they call them.
func (q *closed) identity(r caseline.Request) (string, error) {
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
func (a *Asker) resourceName(r caseline.Request) string {
	if len(r.Resources) == 0 {
		return "*"
	}
	w := r.Resources[0]
	if k, err := a.key(w, r.Account.Text, r.Region.Text); err == nil && k != nil {
		return k.ARN
	}
	return w.Text
}

func (q *closed) allow(r caseline.Request) error {
	id, err := q.identity(r)
	if err == nil {
		q.allowed[id] = append(q.allowed[id], r)
	}
	return err
}

// covers tells whether a line says that a request is allowed: one about the
// same principal, action and resource, all of whose clauses the request has.
func (q *closed) covers(r caseline.Request) bool {
	id, err := q.identity(r)
	if err != nil {
		return false
	}
	has := r.Clauses()
	return slices.ContainsFunc(q.allowed[id], func(line caseline.Request) bool {
		return !slices.ContainsFunc(q.asker.effective(line).Clauses(), func(clause string) bool { return !slices.Contains(has, clause) })
	})
}

// requests are all that the line is about.
func (q *closed) requests(c caseline.Case) ([]caseline.Request, error) {
	principals, err := q.principals(c.Request)
	if err != nil {
		return nil, err
	}
	actions, err := q.actions(c.Request.Actions)
	if err != nil {
		return nil, err
	}
	resources := q.resources(c.Request)
	contexts := q.contexts()
	if n := len(principals) * len(actions) * len(resources) * len(contexts); n > maxElse {
		return nil, failf(caseline.Word{Pos: c.Pos}, "this is about %d requests, more than %d; say whom and what it is about: else deny PRINCIPALS ACTIONS RESOURCES", n, maxElse)
	}
	var all []caseline.Request
	seen := map[string]bool{}
	for _, p := range principals {
		for _, act := range actions {
			for _, res := range resources {
				for _, context := range contexts {
					r := context
					r.Principals, r.Actions, r.Resources = []caseline.Word{p}, []caseline.Word{act}, res
					r = q.asker.effective(r)
					if text := r.String(); !seen[text] {
						seen[text] = true
						all = append(all, r)
					}
				}
			}
		}
	}
	return all, nil
}

// contexts are the clauses of the lines. Each request holds of them what it
// can.
func (q *closed) contexts() []caseline.Request {
	var all []caseline.Request
	seen := map[string]bool{}
	for _, c := range q.lines {
		r := c.Request
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
		if text := r.Account.Text + strings.Join(r.Clauses(), " "); !seen[text] {
			seen[text] = true
			all = append(all, r)
		}
	}
	return all
}

// ask decides a request. It is not possible if no principal could make it.
func (q *closed) ask(ctx context.Context, r caseline.Request) (d decision.Decision, possible bool, err error) {
	d, err = q.asker.Ask(ctx, r, q.dir)
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
	var all []caseline.Word
	for _, w := range r.Principals {
		if !strings.Contains(w.Text, "*") {
			if _, err := q.asker.owner(w, r.Account); err != nil {
				return nil, err
			}
			all = append(all, w)
			continue
		}
		found := matching(w, q.asker.Everybody())
		if len(found) == 0 {
			return nil, failf(w, "no principal of this world is like %s", w.Text)
		}
		all = append(all, found...)
	}
	return all, nil
}

// matching are the words that are like a pattern with stars.
func matching(pattern caseline.Word, words []caseline.Word) []caseline.Word {
	return slices.DeleteFunc(words, func(w caseline.Word) bool {
		bare, _, _ := strings.Cut(w.Text, "@")
		return !like(pattern.Text, w.Text) && !like(pattern.Text, bare)
	})
}

// like tells whether a text is like a pattern, in which a star stands for any
// text.
func like(pattern, text string) bool {
	first, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == text
	}
	if !strings.HasPrefix(text, first) {
		return false
	}
	for text = text[len(first):]; ; text = text[1:] {
		if like(rest, text) {
			return true
		}
		if text == "" {
			return false
		}
	}
}

// actions are those that the line names, or those of the other lines.
func (q *closed) actions(words []caseline.Word) ([]caseline.Word, error) {
	if len(words) == 0 {
		for _, c := range q.lines {
			words = append(words, c.Request.Actions...)
		}
	}
	var all []caseline.Word
	for _, w := range words {
		found := false
		for _, a := range policy.Actions {
			if !like(strings.ToLower(w.Text), strings.ToLower(a.Name)) {
				continue
			}
			found = true
			if !slices.ContainsFunc(all, func(o caseline.Word) bool { return o.Text == a.Name }) {
				all = append(all, caseline.Word{Text: a.Name, Pos: w.Pos})
			}
		}
		if !found {
			return nil, failf(w, "there is no action %s%s", w.Text, meant(w.Text, actionNames()))
		}
	}
	return all, nil
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
