// Package repl is the policy author's terminal: a world, a scene of who asks
// what, and commands that put questions to the engine and try changes.
package repl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/policytests/query"
	"github.com/keyreeve/keyreeve/policytests/repl/draft"
	"github.com/keyreeve/keyreeve/policytests/report"
)

// Config is what a Session works with.
type Config struct {
	Draft  draft.Draft      // the world; required
	Path   string           // of the world on disk, where tests are saved; empty: there is none
	Engine *decision.Engine // nil: one that is made for the session
	Now    time.Time        // of requests that name no time; zero: policytests.DefaultTime
	Clock  func() time.Time // for "at now"; nil: time.Now
	Style  report.Style     // of answers
	Notes  []string         // what to know of the world; somebody at a terminal is told

	// Edit lets somebody edit a text; nil: commands that need it say how to
	// do without.
	Edit func(name, text string) (string, error)

	// Interactive: somebody sits at the process's terminal.
	Interactive bool
	Out         io.Writer // what is written to the terminal; nil: nothing is
}

// A Session is what somebody does with a world: a scene, changes to the world,
// and what can be undone. It is not safe for concurrent use.
type Session struct {
	cfg Config

	base    draft.Draft
	current *version // with the changes
	loaded  *version // without them

	state state
	past  []state // what undo goes back to
	said  said
}

// A said is what was asked last, and the scene in which it was.
type said struct {
	request string
	scene   scene
}

// A state is all that undo takes back. It is copied, never changed in place.
type state struct {
	scene   scene
	changes []draft.Change
	off     []string // layers
	given   []string // what there is besides, as case files say it
}

// A version is a world that questions are put about.
type version struct {
	draft draft.Draft
	world *world.World
	base  *query.Base
}

// An Answer is what a command came to.
type Answer struct {
	Text  string // for people; may be empty
	Value any    // the same for programs: it has a JSON form
	No    bool   // the answer to a question is "no", or there are findings
	Quit  bool   // the session is to end
}

// A Misuse says that a command makes no sense as it stands.
type Misuse struct{ Err error }

// Error is the message.
func (m *Misuse) Error() string { return m.Err.Error() }

// Unwrap is the reason.
func (m *Misuse) Unwrap() error { return m.Err }

func misuse(format string, args ...any) error { return &Misuse{fmt.Errorf(format, args...)} }

// New begins a session. An error about the world is world.Problems.
func New(cfg Config) (*Session, error) {
	if cfg.Now.IsZero() {
		cfg.Now = policytests.DefaultTime
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Engine == nil {
		engine, err := decision.New(decision.Config{Cache: true, Limit: decision.PatientLimit})
		if err != nil {
			return nil, fmt.Errorf("starting the decision engine: %w", err)
		}
		cfg.Engine = engine
	}
	s := &Session{cfg: cfg, base: cfg.Draft}
	first, err := s.version(cfg.Draft, nil)
	if err != nil {
		return nil, err
	}
	s.loaded, s.current = first, first
	return s, nil
}

// version reads the world of a draft, with what there is besides.
func (s *Session) version(d draft.Draft, given []string) (*version, error) {
	w, err := d.World()
	if err != nil {
		return nil, err
	}
	files, err := d.FS()
	if err != nil {
		return nil, err
	}
	if w, err = s.with(w, files, given); err != nil {
		return nil, err
	}
	base, err := query.New(query.Config{World: w, Engine: s.cfg.Engine, Now: s.cfg.Now, Files: files, Path: s.cfg.Path})
	if err != nil {
		return nil, err
	}
	return &version{draft: d, world: w, base: base}, nil
}

// with is a world with what given lines add to it.
func (s *Session) with(w *world.World, files fs.FS, given []string) (*world.World, error) {
	if len(given) == 0 {
		return w, nil
	}
	var standing caseline.Standing
	for _, g := range given {
		if _, err := standing.Set("given " + g); err != nil {
			return nil, plain(err)
		}
	}
	asker, err := policytests.NewAsker(policytests.Config{World: w, Engine: s.cfg.Engine, Now: s.cfg.Now, Files: files})
	if err != nil {
		return nil, err
	}
	if asker, err = asker.With(standing.Given, "."); err != nil {
		return nil, plain(err)
	}
	return asker.World(), nil
}

// World is the world with the session's changes.
func (s *Session) World() *world.World { return s.current.world }

// Eval carries out one command. An error is a *Misuse where the command makes
// no sense; any other means that it could not be carried out. Nothing has
// changed then.
func (s *Session) Eval(ctx context.Context, line string) (Answer, error) {
	name, rest := cutWord(line)
	if name == "" {
		return Answer{}, nil
	}
	c, known := commandNamed(name)
	if !known {
		return Answer{}, s.unknown(name)
	}
	return c.run(ctx, s, strings.TrimSpace(rest))
}

// unknown says which command may have been meant.
func (s *Session) unknown(name string) error {
	if isPrincipal(name) || isAction(name) || isResource(name) {
		return misuse("a request begins with can: can %s …", name)
	}
	if near := nearest(name, commandNames()); near != "" {
		return misuse("there is no command %s; did you mean %s? help lists all", name, near)
	}
	return misuse("there is no command %s; help lists all", name)
}

// step changes the state: it can be undone.
func (s *Session) step(next state) {
	s.past = append(s.past, s.state)
	s.state = next
}

// changed makes the world of another list of changes, and steps to it. If the
// world is wrong with them, nothing changes.
func (s *Session) changed(next state) error {
	v, err := s.build(s.base, next)
	if err != nil {
		return err
	}
	s.current = v
	s.step(next)
	return nil
}

// build is the world of files with changes.
func (s *Session) build(base draft.Draft, st state) (*version, error) {
	d := base
	var err error
	for _, c := range st.changes {
		if d, err = c.Apply(d); err != nil {
			return nil, &Misuse{err}
		}
	}
	for _, layer := range st.off {
		if d, err = (draft.Off{Layer: layer}).Apply(d); err != nil {
			return nil, err
		}
	}
	v, err := s.version(d, st.given)
	var problems world.Problems
	if errors.As(err, &problems) {
		return nil, &Misuse{fmt.Errorf("the world would be wrong with it:\n%w", problems)}
	}
	return v, err
}

// Reload takes up a new version of the world's files, with the session's
// changes on top. Changes that do not fit any more are dropped; the text says
// so.
func (s *Session) Reload(d draft.Draft) (string, error) {
	loaded, err := s.version(d, nil)
	if err != nil {
		return "", err
	}
	kept := s.state
	kept.changes, kept.given = nil, nil
	var notes []string
	for _, c := range s.state.changes {
		trial := kept
		trial.changes = append(slices.Clone(kept.changes), c)
		if _, err := s.build(d, trial); err != nil {
			notes = append(notes, fmt.Sprintf("dropped: %s: %v", c, err))
			continue
		}
		kept = trial
	}
	for _, g := range s.state.given {
		trial := kept
		trial.given = append(slices.Clone(kept.given), g)
		if _, err := s.build(d, trial); err != nil {
			notes = append(notes, fmt.Sprintf("dropped: given %s: %v", g, err))
			continue
		}
		kept = trial
	}
	current, err := s.build(d, kept)
	if err != nil {
		return "", err
	}
	s.base, s.loaded, s.current = d, loaded, current
	s.state = kept
	return strings.Join(append([]string{s.faint("the world was loaded again")}, notes...), "\n"), nil
}
