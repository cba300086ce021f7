// Package remote keeps guardrails as the signed bundles of a server have them.
package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/logging"
	"github.com/open-policy-agent/opa/v1/plugins"
	"github.com/open-policy-agent/opa/v1/plugins/bundle"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"sigs.k8s.io/yaml"

	"github.com/keyreeve/keyreeve/rego/guardrail"
)

// Config says where guardrails come from. OPA is required.
type Config struct {
	// OPA is a configuration of OPA in YAML or JSON, with services, keys and
	// bundles, each of which is signed; persistence_directory is optional.
	OPA []byte
	Log *slog.Logger // nil discards
	// Wait bounds the time to the first guardrails; zero: 30 seconds.
	Wait time.Duration
}

const defaultWait = 30 * time.Second

// A Source fetches bundles with OPA's own bundle plugin. Safe for concurrent
// use.
type Source struct {
	log     *slog.Logger
	manager *plugins.Manager
	plugin  *bundle.Plugin
	set     atomic.Pointer[guardrail.Set]
	faulty  atomic.Pointer[string] // what is told of now, and need not be again
	changed chan struct{}          // has room for one
}

// Open fetches the first guardrails, and goes on fetching until Close. Without
// guardrails that load it returns an error.
func Open(ctx context.Context, c Config) (*Source, error) {
	s := &Source{log: c.Log, changed: make(chan struct{}, 1)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if c.Wait == 0 {
		c.Wait = defaultWait
	}
	if err := s.configure(c.OPA); err != nil {
		return nil, err
	}
	if err := s.manager.Start(context.WithoutCancel(ctx)); err != nil {
		return nil, fmt.Errorf("starting to fetch guardrails: %w", err)
	}
	if err := s.first(ctx, c.Wait); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Set is the guardrails of now; never nil.
func (s *Source) Set() *guardrail.Set { return s.set.Load() }

// Close stops fetching.
func (s *Source) Close() { s.manager.Stop(context.Background()) }

// fields are those of OPA's configuration that matter here. Others would be
// ignored, so they are refused.
var fields = []string{"services", "keys", "bundles", "persistence_directory", "labels"}

func (s *Source) configure(text []byte) error {
	var given map[string]any
	raw, err := yaml.YAMLToJSON(text)
	if err == nil {
		err = yaml.Unmarshal(raw, &given)
	}
	if err != nil {
		return fmt.Errorf("reading the configuration of bundles: %w", err)
	}
	for name := range given {
		if !slices.Contains(fields, name) {
			return fmt.Errorf("%q is no part of the configuration of bundles; that has %s", name, strings.Join(fields, ", "))
		}
	}
	s.manager, err = plugins.New(raw, "keyreeve", inmem.New(), plugins.Logger(logging.NewNoOpLogger()))
	if err != nil {
		return fmt.Errorf("reading the configuration of bundles: %w", err)
	}
	periodic := plugins.TriggerPeriodic
	parsed, err := bundle.NewConfigBuilder().WithBytes(s.manager.GetConfig().Bundles).WithServices(s.manager.Services()).
		WithKeyConfigs(s.manager.PublicKeys()).WithTriggerMode(&periodic).Parse()
	if err == nil {
		err = signed(given)
	}
	if err != nil {
		return fmt.Errorf("reading the configuration of bundles: %w", err)
	}
	s.plugin = bundle.New(parsed, s.manager)
	s.plugin.RegisterBulkListener(s, s.heard)
	s.manager.Register(bundle.Name, s.plugin)
	return nil
}

// signed sees to it that no bundle is taken without signature: OPA takes one
// that has no "signing".
func signed(given map[string]any) error {
	bundles, _ := given["bundles"].(map[string]any)
	if len(bundles) == 0 {
		return errors.New("it has no bundles")
	}
	for name, b := range bundles {
		fields, _ := b.(map[string]any)
		if signing, _ := fields["signing"].(map[string]any); signing["keyid"] == nil {
			return fmt.Errorf("bundle %s: guardrails are signed: it needs signing.keyid, and keys", name)
		}
	}
	return nil
}

// first waits for guardrails, or for what keeps them from loading.
func (s *Source) first(ctx context.Context, wait time.Duration) error {
	if len(s.plugin.NotActivated()) == 0 { // kept on disk from before
		s.load(ctx)
	}
	late := time.NewTimer(wait)
	defer late.Stop()
	for s.set.Load() == nil {
		select {
		case <-s.changed:
		case <-ctx.Done():
			return fmt.Errorf("fetching guardrails: %w", ctx.Err())
		case <-late.C:
			return fmt.Errorf("fetching guardrails: none within %s%s", wait, s.why())
		}
	}
	return nil
}

// why is what was told last.
func (s *Source) why() string {
	if text := s.faulty.Load(); text != nil {
		return ": " + *text
	}
	return ""
}

// heard takes the state of all bundles after an attempt to fetch one.
func (s *Source) heard(bundles map[string]*bundle.Status) {
	defer s.wake()
	ready := true
	for name, b := range bundles {
		if b.Code != "" {
			s.complain(fmt.Sprintf("bundle %s: %s", name, describe(b)))
			return
		}
		ready = ready && !b.LastSuccessfulActivation.IsZero()
	}
	if ready {
		s.load(context.Background())
	}
}

// describe tells all that OPA says of a bundle that failed.
func describe(b *bundle.Status) string {
	text := b.Message
	for _, err := range b.Errors {
		text += "; " + err.Error()
	}
	return text
}

func (s *Source) wake() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// complain alarms once for each thing that goes wrong. What was in force stays
// in force.
func (s *Source) complain(text string) {
	if last := s.faulty.Swap(&text); last != nil && *last == text {
		return
	}
	s.log.Error("alarm: guardrails are not refreshed", slog.String("err", text), slog.Bool("earlier ones in force", s.set.Load() != nil))
}

// load takes the guardrails that OPA has activated.
func (s *Source) load(ctx context.Context) {
	set, err := s.read(ctx)
	if err != nil {
		s.complain(err.Error())
		return
	}
	s.faulty.Store(nil)
	if last := s.set.Load(); last != nil && last.Digest == set.Digest {
		return
	}
	s.set.Store(set)
	s.log.Info("guardrails loaded", "digest", set.Digest)
}

// read makes guardrails of OPA's store.
func (s *Source) read(ctx context.Context) (*guardrail.Set, error) {
	modules := map[string][]byte{}
	data := map[string]any{}
	err := storage.Txn(ctx, s.manager.Store, storage.TransactionParams{}, func(txn storage.Transaction) error {
		ids, err := s.manager.Store.ListPolicies(ctx, txn)
		if err != nil {
			return err
		}
		for _, id := range ids {
			text, err := s.manager.Store.GetPolicy(ctx, txn, id)
			if err != nil {
				return err
			}
			modules[id] = bytes.Clone(text)
		}
		all, err := s.manager.Store.Read(ctx, txn, storage.RootPath)
		if object, ok := all.(map[string]any); err == nil && ok {
			for name, value := range object {
				data[name] = value
			}
		}
		delete(data, "system") // what OPA keeps of its bundles
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading fetched guardrails: %w", err)
	}
	return guardrail.Parse(modules, data)
}
