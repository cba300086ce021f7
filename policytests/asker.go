package policytests

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/keyreeve/keyreeve/engine/ask"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// Config is what an Asker works with. World, Engine and Now are required.
type Config struct {
	World  *world.World
	Engine *decision.Engine
	Now    time.Time // of requests that name no time
	Files  fs.FS     // where session policies and documents lie; nil: there are none
}

// An Asker turns what case lines say into questions about a world, as a server
// of that world would put them. It is safe for concurrent use.
type Asker struct {
	cfg Config

	mu     sync.Mutex
	parsed map[string]decision.Policy  // session policies by file and account
	keys   map[string]*decision.Policy // policies of keys that the world lists without one
	files  map[*policy.Document]*world.Policy

	giving sync.Mutex
	givens map[string]*Asker // about the world with what lines give
}

// NewAsker makes an Asker.
func NewAsker(cfg Config) (*Asker, error) {
	if cfg.World == nil || cfg.Engine == nil || cfg.Now.IsZero() {
		return nil, errors.New("policytests.Config needs World, Engine and Now")
	}
	return &Asker{cfg: cfg, parsed: map[string]decision.Policy{}, keys: map[string]*decision.Policy{}, givens: map[string]*Asker{}}, nil
}

// World is the world that is asked about.
func (a *Asker) World() *world.World { return a.cfg.World }

// Ask decides a request about one principal, action and resource. dir is the
// folder of the world in which files are looked up.
func (a *Asker) Ask(ctx context.Context, r caseline.Request, dir string) (decision.Decision, error) {
	q, err := a.Question(r, dir)
	if err != nil {
		return decision.Decision{}, err
	}
	return a.cfg.Engine.Decide(ctx, q)
}

// Question is what a request asks the engine. An error says what in it cannot
// be: a caseline.Error with its place.
func (a *Asker) Question(r caseline.Request, dir string) (decision.Question, error) {
	if len(r.Principals) != 1 || len(r.Actions) != 1 || len(r.Resources) > 1 {
		return decision.Question{}, errors.New("a question is about one principal, one action and one resource")
	}
	action, known := policy.ActionNamed(r.Actions[0].Text)
	if !known {
		return decision.Question{}, failf(r.Actions[0], "there is no action %s%s", r.Actions[0].Text, meantAction(r.Actions[0].Text))
	}
	r = holding(r, action)
	call, err := a.call(r, dir)
	if err != nil {
		return decision.Question{}, err
	}
	q := asked{asker: a, request: r, action: action, call: &call}
	for _, step := range []func() error{q.resource, q.network, q.service, q.side} {
		if err := step(); err != nil {
			return decision.Question{}, err
		}
	}
	question := q.call.Question(q.check)
	return question, q.override(question.Context)
}

// holding is a request without what stands by given lines and requests for the
// action cannot hold.
func holding(r caseline.Request, action policy.Action) caseline.Request {
	lacks := func(key string) bool {
		row, known := policy.ConditionKeyNamed(key)
		return known && !row.Global && !slices.Contains(action.ConditionKeys, row.Name)
	}
	r.Keys = slices.DeleteFunc(slices.Clone(r.Keys), func(p caseline.Pair) bool { return p.Standing && lacks(p.Key) })
	r.Absent = slices.DeleteFunc(slices.Clone(r.Absent), func(w caseline.Word) bool { return w.Standing && lacks(w.Text) })
	return r
}

// call is what is the same for all checks of a request.
func (a *Asker) call(r caseline.Request, dir string) (ask.Call, error) {
	now := r.At
	if now.IsZero() {
		now = a.cfg.Now
	}
	caller, err := a.caller(r, dir, now)
	if err != nil {
		return ask.Call{}, err
	}
	call := ask.Call{World: a.cfg.World, Caller: caller}
	call.Request.Now, call.Request.Secure, call.Request.SourceIP = now, true, sourceIP
	call.Request.Region = a.cfg.World.Regions()[0]
	if r.Region.Text != "" {
		call.Request.Region = r.Region.Text
	}
	return call, nil
}

// file reads a file that a line names, beside the file of cases.
func (a *Asker) file(w caseline.Word, dir string) (string, error) {
	if a.cfg.Files == nil {
		return "", failf(w, "there are no files here")
	}
	name := path.Join(dir, w.Text)
	if !fs.ValidPath(name) || strings.Contains(w.Text, `\`) || path.IsAbs(w.Text) {
		return "", failf(w, "the path leads out of the world")
	}
	text, err := fs.ReadFile(a.cfg.Files, name)
	if err != nil {
		return "", failf(w, "there is no file %s", name)
	}
	return string(text), nil
}

// sessionPolicies reads the policies that a session comes with; nil for none.
func (a *Asker) sessionPolicies(words []caseline.Word, dir, account string) ([]decision.Policy, error) {
	var all []decision.Policy
	for _, w := range words {
		p, err := a.sessionPolicy(w, dir, account)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func (a *Asker) sessionPolicy(w caseline.Word, dir, account string) (decision.Policy, error) {
	key := account + " " + path.Join(dir, w.Text)
	a.mu.Lock()
	defer a.mu.Unlock()
	if p, read := a.parsed[key]; read {
		return p, nil
	}
	text, err := a.file(w, dir)
	if err != nil {
		return decision.Policy{}, err
	}
	doc, err := policy.Parse(policy.Session, []byte(text))
	if err != nil {
		return decision.Policy{}, failf(w, "%s: %v", w.Text, err)
	}
	p := decision.Policy{Name: w.Text, Owner: account, Document: doc}
	a.parsed[key] = p
	return p, nil
}

// failf says what is wrong with a word.
func failf(w caseline.Word, format string, args ...any) error {
	return caseline.Error{Pos: w.Pos, Message: fmt.Sprintf(format, args...)}
}
