// Package query answers the questions of policy authors about a world: why a
// request is allowed or refused, what would allow it, who can, and what somebody can.
package query

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/lifecycle"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// Version is that of the JSON of all answers. It is raised when a field
// changes its meaning.
const Version = 1

// Config is what a Base is made of. World and Engine are required.
type Config struct {
	World  *world.World
	Engine *decision.Engine
	Now    time.Time // of requests that name no time; zero: policytests.DefaultTime
	Files  fs.FS     // of the world, where session policies lie; nil: there are none
	Dir    string    // folder of Files in which requests look files up; empty: the top
	// Path of the world as somebody typed it. Places of statements begin with it.
	Path string
	// Adjust changes each question before it is decided, such as a layer that is
	// left out; nil: none does. Slices and maps of the question are shared: what
	// is changed must be replaced.
	Adjust func(*decision.Question)
}

// A Base is what questions are asked about. It is not safe for concurrent use.
type Base struct {
	cfg    Config
	asker  *policytests.Asker
	states *lifecycle.Table
	places map[*policy.Document]*world.Policy
	parsed map[string]decision.Policy
}

// New makes a Base.
func New(cfg Config) (*Base, error) {
	if cfg.World == nil || cfg.Engine == nil {
		return nil, errors.New("query.Config needs World and Engine")
	}
	if cfg.Now.IsZero() {
		cfg.Now = policytests.DefaultTime
	}
	if cfg.Dir == "" {
		cfg.Dir = "."
	}
	asker, err := policytests.NewAsker(policytests.Config{World: cfg.World, Engine: cfg.Engine, Now: cfg.Now, Files: cfg.Files})
	if err != nil {
		return nil, err
	}
	states, err := lifecycle.NewTable()
	if err != nil {
		return nil, err
	}
	return &Base{cfg: cfg, asker: asker, states: states, places: places(cfg.World), parsed: map[string]decision.Policy{}}, nil
}

// Open reads the world at path, a directory or .txtar file, and fills in what
// cfg lacks: World, Files, Path and Engine. What is wrong with a world is
// world.Problems.
func Open(name string, cfg Config) (*Base, error) {
	w, err := world.Load(name, nil)
	if err != nil {
		var problems world.Problems
		if errors.As(err, &problems) {
			return nil, fmt.Errorf("the world %s is wrong:\n%w", name, problems.In(name))
		}
		return nil, err
	}
	files, err := filesOf(name)
	if err != nil {
		return nil, err
	}
	cfg.World, cfg.Files, cfg.Path = w, files, name
	if cfg.Engine == nil {
		if cfg.Engine, err = decision.New(decision.Config{Cache: true, Limit: decision.PatientLimit}); err != nil {
			return nil, fmt.Errorf("starting the decision engine: %w", err)
		}
	}
	return New(cfg)
}

// filesOf is what lies in a world.
func filesOf(name string) (fs.FS, error) {
	if path.Ext(name) != ".txtar" {
		return os.DirFS(name), nil
	}
	archive, err := txtar.ParseFile(name)
	if err != nil {
		return nil, err
	}
	return txtar.FS(archive)
}

// World is what is asked about.
func (b *Base) World() *world.World { return b.cfg.World }

// Question is what a request about one principal, action and resource asks the
// engine. An error, such as a caseline.Error, says what in it cannot be.
func (b *Base) Question(r caseline.Request) (decision.Question, error) {
	q, err := b.asker.Question(r, b.cfg.Dir)
	if err == nil && b.cfg.Adjust != nil {
		b.cfg.Adjust(&q)
	}
	return q, err
}

// Decide decides a question.
func (b *Base) Decide(ctx context.Context, q decision.Question) (decision.Decision, error) {
	return b.cfg.Engine.Decide(ctx, q)
}
