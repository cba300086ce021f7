// Package instance is one whole keyreeve on one data directory: it opens the
// parts in their order, runs them, and closes them.
package instance

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/keyreeve/keyreeve/crypto/material/software"
	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/feed"
	"github.com/keyreeve/keyreeve/engine/metrics"
	"github.com/keyreeve/keyreeve/engine/throttle"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/store"
)

// Config says what an Instance works on. Dir is required.
type Config struct {
	Dir   string           // data directory: root key, store, decision log
	World string           // world directory or txtar file; empty: Dir/world
	Clock func() time.Time // nil: time.Now
	Log   *slog.Logger     // nil discards

	// Decisions configures the engine that decides.
	Decisions decision.Config
	// EncodedMessages puts encoded authorization messages into error texts.
	EncodedMessages bool
	// ConsistencyDelay is how long changes of grants, tags and aliases take to
	// count for authorization; zero: as the world says.
	ConsistencyDelay time.Duration
	// ForeignFloor is how long a call that fails on what belongs to another
	// account takes at least.
	ForeignFloor time.Duration
	// Settling is how long keys that were replicated are Creating, and primary
	// keys that were moved Updating.
	Settling time.Duration
	Quotas   engine.Quotas
	// RequestQuotas throttles; nil does not.
	RequestQuotas throttle.Table
	// Metrics are counted in; nil counts nothing. They are of one Instance.
	Metrics *metrics.Metrics
	// DecisionLabels stand in each line of the decision log, beside an id of
	// this run.
	DecisionLabels map[string]string
	// DecisionLogPlain leaves the values of encryption contexts in the
	// decision log; else they are masked.
	DecisionLogPlain bool
	// Watch is the time between two looks at the files of the world; zero is
	// one second.
	Watch time.Duration
	// Create allows a data directory to be made, with the keys that the world
	// lists; without it one must exist.
	Create bool
}

// An Instance is an open keyreeve. Safe for concurrent use.
type Instance struct {
	Engine *engine.Engine
	Store  *store.Store

	config    Config
	worlds    *world.Watcher
	decisions *lumberjack.Logger
	events    *feed.Server // nil: no socket
}

// The names in a data directory.
const (
	rootKeyFile  = "root.key"
	storeDir     = "store"
	worldDir     = "world"
	decisionFile = "decisions.jsonl"
)

// Bounds of the decision log: megabytes of one file, files kept.
const (
	decisionMegabytes = 100
	decisionFiles     = 5
)

// Open opens the data directory, or makes it when Create is set. The caller
// closes the Instance.
func Open(c Config) (*Instance, error) {
	if c.Dir == "" {
		return nil, errors.New("instance.Config needs Dir")
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Watch = cmp.Or(c.Watch, watchEvery)
	if c.World == "" {
		c.World = filepath.Join(c.Dir, worldDir)
	}
	if err := CheckMode(c.Dir, c.Log); err != nil {
		return nil, err
	}
	root, err := openRootKey(c)
	if err != nil {
		return nil, err
	}
	i := &Instance{config: c}
	if i.Store, err = store.Open(store.Config{Dir: filepath.Join(c.Dir, storeDir), Root: root, Log: c.Log, Now: c.Clock}); err != nil {
		return nil, err
	}
	if err := i.open(root); err != nil {
		return nil, errors.Join(err, i.Store.Close())
	}
	i.giveOut()
	return i, nil
}

// ErrAbsent says that there is no data directory where one should be.
var ErrAbsent = errors.New("not a data directory")

// Create makes a data directory with a new root key, and returns the path of
// the key. It refuses a directory that has a root key or a store.
func Create(dir string) (string, error) {
	path := filepath.Join(dir, rootKeyFile)
	if err := errors.Join(errOrphan(dir), CheckMode(dir, slog.New(slog.DiscardHandler))); err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("making the data directory: %w", err)
	}
	_, err := seal.CreateRootKey(path, rand.Reader)
	return path, err
}

// errOrphan refuses a store without its root key. Giving it another would lose
// all that is in it.
func errOrphan(dir string) error {
	path := filepath.Join(dir, rootKeyFile)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, storeDir)); err == nil {
		return fmt.Errorf("%s is missing, but there is a store beside it that only this key opens: bring the file back from your backup", path)
	}
	return nil
}

// openRootKey loads the root key, or makes one for a new data directory.
func openRootKey(c Config) (*seal.RootKey, error) {
	path := filepath.Join(c.Dir, rootKeyFile)
	_, err := os.Stat(path)
	switch {
	case err == nil:
		return seal.LoadRootKey(path)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("looking for the root key: %w", err)
	}
	if err := errOrphan(c.Dir); err != nil {
		return nil, err
	}
	if !c.Create {
		return nil, fmt.Errorf("%s is %w", c.Dir, ErrAbsent)
	}
	if _, err := Create(c.Dir); err != nil {
		return nil, err
	}
	return seal.LoadRootKey(path)
}

func (i *Instance) open(root *seal.RootKey) error {
	if err := i.loadWorld(); err != nil {
		return err
	}
	materials, err := software.New(software.Config{Root: root})
	if err != nil {
		return err
	}
	if i.config.Decisions.Log == nil {
		i.config.Decisions.Log = i.config.Log
	}
	decisions, err := decision.New(i.config.Decisions)
	if err != nil {
		return fmt.Errorf("starting the decision engine: %w", err)
	}
	if i.config.Metrics != nil {
		i.config.Metrics.Read(readings(decisions, materials)...)
	}
	i.decisions = &lumberjack.Logger{
		Filename: filepath.Join(i.config.Dir, decisionFile), MaxSize: decisionMegabytes, MaxBackups: decisionFiles,
	}
	if err := endLine(i.decisions); err != nil {
		return fmt.Errorf("opening the decision log: %w", err)
	}
	i.Engine, err = engine.New(engine.Config{
		Store: i.Store, World: i.World, Decisions: decisions, Materials: materials, Root: root,
		EncodedMessages: i.config.EncodedMessages, ConsistencyDelay: i.config.ConsistencyDelay, ForeignFloor: i.config.ForeignFloor, Quotas: i.config.Quotas,
		Settling: i.config.Settling, RequestQuotas: i.config.limiter(), Metrics: i.config.Metrics,
		Clock: i.config.Clock, Rand: rand.Reader, Log: i.config.Log,
		DecisionLog:    i.decisions,
		DecisionLabels: i.config.labels(), DecisionLogPlain: i.config.DecisionLogPlain,
	})
	if err != nil || !i.config.Create {
		return err
	}
	return i.Engine.Seed(context.Background())
}

// limiter is nil without request quotas.
func (c Config) limiter() *throttle.Limiter {
	if c.RequestQuotas == nil {
		return nil
	}
	return throttle.New(c.RequestQuotas)
}

// labels tell the lines of this run from those of others.
func (c Config) labels() map[string]string {
	labels := map[string]string{"id": uuid.NewString(), "app": "keyreeve"}
	maps.Copy(labels, c.DecisionLabels)
	return labels
}

// loadWorld gives every principal of the world its unique id, in one
// transaction unless they are too many for one, and starts to watch it.
func (i *Instance) loadWorld() error {
	err := i.Store.Update(func(tx *store.Tx) error {
		_, err := world.Load(i.config.World, uniqueIDs{tx})
		return err
	})
	if err != nil && !errors.Is(err, store.ErrTooLarge) {
		return err
	}
	i.worlds, err = world.NewWatcher(world.WatcherConfig{
		Path: i.config.World, IDs: storedIDs{i.Store}, Every: i.config.Watch, Changed: i.changed, Refused: i.refused, Restored: i.restored,
	})
	return err
}

// World is the world of now.
func (i *Instance) World() *world.World { return i.worlds.World() }

func (i *Instance) changed(_, next *world.World) {
	i.config.Log.Info("world reloaded", "digest", next.Digest())
}

func (i *Instance) restored(w *world.World) {
	i.config.Log.Info("the world is in order again", "digest", w.Digest())
}

func (i *Instance) refused(err error) {
	i.config.Log.Error("the new world is refused, the old one goes on serving", "world", i.config.World, "err", err)
}

// How often the files of the world are looked at, and how often what has
// fallen due is carried out.
const (
	watchEvery = time.Second
	sweepEvery = 10 * time.Second
)

// Run reloads the world when its files change and carries out what falls due,
// until ctx ends.
func (i *Instance) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return i.worlds.Run(ctx) })
	g.Go(func() error { return i.sweep(ctx) })
	g.Go(func() error { return i.Engine.LogDecisions(ctx) })
	g.Go(func() error { return i.runEvents(ctx) })
	return g.Wait()
}

func (i *Instance) sweep(ctx context.Context) error {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := i.Engine.Sweep(ctx); err != nil {
			i.config.Log.Error("carrying out what is due", "err", err)
		}
	}
}

// Close closes the store and the decision log.
func (i *Instance) Close() error {
	i.Engine.Close()
	return errors.Join(i.closeEvents(), i.Store.Close(), i.decisions.Close())
}

// Enforced says what is enforced at present, for /healthz and the start-up
// line.
func (i *Instance) Enforced() map[string]string {
	enforced := map[string]string{
		"signature":             "every call",
		"keyPolicies":           "every call",
		"identityPolicies":      "every call",
		"permissionsBoundary":   "every call",
		"sessionPolicies":       "every call",
		"grants":                "every call",
		"serviceControlPolicy":  "every call",
		"resourceControlPolicy": "every call",
		"vpcEndpointPolicy":     "every call",
		"servicesActFor":        "every call",
	}
	if i.config.RequestQuotas != nil {
		enforced["requestQuotas"] = "every call"
	}
	if i.config.Decisions.Guardrails != nil {
		enforced["guardrails"] = "every call"
	}
	if d := cmp.Or(i.config.ConsistencyDelay, i.World().Settings().ConsistencyDelay); d > 0 {
		enforced["consistencyDelay"] = "changes of grants, tags and aliases count after " + d.String()
	}
	return enforced
}

// Ready says whether the store answers and is still where it was opened.
func (i *Instance) Ready() error {
	return i.Store.View(func(*store.Tx) error { return i.Store.InPlace() })
}
