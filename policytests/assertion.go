package policytests

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/analysis"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// assert decides a line about all requests of a kind. asked is how many it
// needed; root is about the world as its files have it.
func (a *Asker) assert(ctx context.Context, j *job, root *Asker, dir string) (asked int, f *Failure, err error) {
	c := j.line
	switch c.Kind {
	case caseline.Else:
		return a.otherwise(ctx, j, root, dir)
	case caseline.No:
		f, err = a.noAccess(ctx, c)
	default:
		f, err = a.onlySome(ctx, c)
	}
	return 0, f, err
}

// A search looks for a request that contradicts a line.
type search struct {
	asker   *Asker
	at      caseline.Word // where the line stands
	query   analysis.Query
	callers func(analysis.Caller) bool
}

// onlySome looks for somebody else who may.
func (a *Asker) onlySome(ctx context.Context, c caseline.Case) (*Failure, error) {
	r := c.Request
	if len(r.Resources) == 0 {
		return nil, failf(caseline.Word{Pos: c.Pos}, "a line with only or nobody is about a key: add key/NAME")
	}
	if extra := slices.ContainsFunc(r.Clauses(), func(text string) bool { return beyondKeys(text) }) && !r.Session.Standing; extra {
		return nil, failf(caseline.Word{Pos: c.Pos}, "a line with only or nobody speaks of all requests; of clauses it can have KEY=VALUE and !KEY")
	}
	actions, err := a.actionsLike(r.Actions)
	if err != nil {
		return nil, err
	}
	allowed, err := a.owners(r.Principals, r.Account)
	if err != nil {
		return nil, err
	}
	s := search{asker: a, at: caseline.Word{Pos: c.Pos}, callers: func(c analysis.Caller) bool { return !a.among(allowed, c) }}
	s.query.Actions, s.query.Keys = wordTexts(actions), fixedKeys(r)
	wanted := c.Text
	return s.each(ctx, r, wanted)
}

// beyondKeys tells whether a clause is no condition key.
func beyondKeys(clause string) bool {
	word, _, _ := strings.Cut(clause, " ")
	return slices.Contains([]string{"session", "with", "via", "grant"}, word)
}

// fixedKeys are the condition keys that a line gives, by lower-cased name.
func fixedKeys(r caseline.Request) map[string][]string {
	keys := map[string][]string{}
	for _, p := range r.Keys {
		keys[strings.ToLower(p.Key)] = p.Values
	}
	for _, w := range r.Absent {
		keys[strings.ToLower(w.Text)] = nil
	}
	return keys
}

// owners are those whom names and patterns stand for.
func (a *Asker) owners(words []caseline.Word, account caseline.Word) ([]owner, error) {
	words, err := a.principalsLike(words, account)
	if err != nil {
		return nil, err
	}
	all := make([]owner, len(words))
	for i, w := range words {
		if all[i], err = a.owner(w, account); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// among tells whether a caller is one of some owners, or a session of one.
func (a *Asker) among(owners []owner, c analysis.Caller) bool {
	if c.Outside {
		return false
	}
	o, err := a.owner(caseline.Word{Text: c.Name}, caseline.Word{})
	if err != nil {
		return false
	}
	return slices.ContainsFunc(owners, func(one owner) bool {
		switch {
		case one.role != nil && one.name != "":
			return o.role != nil && o.role.ARN == one.role.ARN && o.name == one.name
		case one.role != nil && o.key.Identity != nil:
			return o.key.Identity.Role.ARN == one.role.ARN
		}
		return o.String() == one.String()
	})
}

// noAccess looks for somebody of another account who has access, or could have
// it if the account wanted.
func (a *Asker) noAccess(ctx context.Context, c caseline.Case) (*Failure, error) {
	var except []string
	for _, w := range c.Access.Except {
		acc, known := a.account(w.Text)
		if !known {
			return nil, failf(w, "there is no account %s in this world", w.Text)
		}
		except = append(except, acc.ID)
	}
	public := c.Access.To.Text == "public"
	s := search{asker: a, at: caseline.Word{Pos: c.Pos}}
	s.callers = func(caller analysis.Caller) bool {
		if public {
			return caller.Outside
		}
		return caller.Type != decision.Service && !slices.Contains(except, caller.Account)
	}
	f, err := s.each(ctx, c.Request, c.Text)
	if f != nil || err != nil || public {
		return f, err
	}
	s.asker, err = a.withGenerousNeighbours(ctx)
	if err != nil {
		return nil, err
	}
	f, err = s.each(ctx, c.Request, c.Text)
	if f != nil {
		f.Got += ", as soon as an IAM policy of that account allows it"
		for i := range f.Witnesses {
			f.Witnesses[i] = "# " + f.Witnesses[i]
		}
	}
	return f, err
}

// withGenerousNeighbours is about the world in which everybody may do by IAM
// policies what key policies let them: what another account allows its own is
// not for the owner of a key to say.
func (a *Asker) withGenerousNeighbours(context.Context) (*Asker, error) {
	doc, err := policy.Parse(policy.Identity, []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`))
	if err != nil {
		return nil, err
	}
	all := &world.Policy{Name: "all", Document: doc}
	var change world.Change
	for _, acc := range a.cfg.World.Accounts() {
		for _, u := range acc.Users {
			n := *u
			n.Inline, n.Boundary = append(slices.Clip(u.Inline), all), nil
			change.Users = append(change.Users, &n)
		}
		for _, r := range acc.Roles {
			n := *r
			n.Inline, n.Boundary = append(slices.Clip(r.Inline), all), nil
			change.Roles = append(change.Roles, &n)
		}
	}
	cfg := a.cfg
	cfg.World = a.cfg.World.With(change)
	return NewAsker(cfg)
}

// each searches each key of a line.
func (s search) each(ctx context.Context, r caseline.Request, wanted string) (*Failure, error) {
	keys, err := s.asker.keysLike(r)
	if err != nil {
		return nil, err
	}
	f := &Failure{Wanted: wanted}
	for _, k := range keys {
		w, err := s.find(ctx, r, k)
		if err != nil {
			return nil, err
		}
		if w == nil {
			continue
		}
		if len(f.Witnesses) == 0 {
			f.Got = fmt.Sprintf("%s may %s on %s", w.Caller.Name, w.Action, s.asker.KeyName(k))
			e := w.Decision.Evidence()
			f.Evidence, f.where = &e, s.asker.locator(w.Question)
		}
		f.Witnesses = append(f.Witnesses, w.Case())
	}
	if len(f.Witnesses) == 0 {
		return nil, nil
	}
	return f, nil
}

// find looks for a request on one key. What cannot be decided is an error.
func (s search) find(ctx context.Context, r caseline.Request, k *world.Key) (*analysis.Witness, error) {
	now := r.At
	if now.IsZero() {
		now = s.asker.cfg.Now
	}
	u, err := analysis.OfKey(s.asker.cfg.World, k, analysis.Config{Engine: s.asker.cfg.Engine, Now: now})
	if err != nil {
		return nil, err
	}
	q := s.query
	q.Allowed, q.Resources = []*analysis.Universe{u}, []string{k.ARN}
	q.Callers = s.callers
	if q.Actions == nil { // of access from elsewhere
		q.Callers = func(c analysis.Caller) bool { return c.Account != k.Account && s.callers(c) }
	}
	answer, err := analysis.Find(ctx, q)
	var refused *analysis.Disagreement
	switch {
	case errors.As(err, &refused) && refused.Decision.Layer == decision.LayerGuardrail:
		return nil, failf(s.at, "policies let %s %s on %s, and guardrails refuse it; whether they refuse all that this line is about cannot be said",
			refused.Question.Principal.ARN, refused.Question.Action, s.asker.KeyName(k))
	case err != nil:
		return nil, err
	case answer.State == analysis.Proved:
		return nil, s.asker.sessionsCannotDiffer(s.at, k)
	case answer.State == analysis.Found:
		return answer.Witness, nil
	}
	if err := s.asker.sessionsCannotDiffer(s.at, k); err != nil {
		return nil, err
	}
	return nil, failf(s.at, "it cannot be said of %s whether this holds: %s", s.asker.KeyName(k), answer.Why)
}

// keysLike are the keys of the world that a line about keys is about.
func (a *Asker) keysLike(r caseline.Request) ([]*world.Key, error) {
	var all []*world.Key
	for _, w := range r.Resources {
		words := []caseline.Word{w}
		if strings.Contains(w.Text, "*") {
			if words = matching(w, a.EveryKey()); len(words) == 0 {
				return nil, failf(w, "no key of this world is like %s", w.Text)
			}
		}
		for _, one := range words {
			one.Pos = w.Pos
			k, err := a.key(one, r.Account.Text, r.Region.Text)
			switch {
			case err != nil:
				return nil, err
			case k == nil:
				return nil, failf(w, "there is no key %s in this world", w.Text)
			}
			if !slices.Contains(all, k) {
				all = append(all, k)
			}
		}
	}
	return all, nil
}
