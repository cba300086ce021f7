package main

import (
	"context"
	"fmt"
	"os"

	"github.com/keyreeve/keyreeve/rego/guardrail"
	"github.com/keyreeve/keyreeve/rego/guardrail/remote"
)

// rails are the organization's own Rego, kept up to date.
type rails struct {
	set func() *guardrail.Set           // nil without any
	run func(ctx context.Context) error // takes up changes until ctx ends
	end func()
}

// guardrails loads the organization's own Rego.
func (s *service) guardrails(ctx context.Context) (rails, error) {
	none := rails{run: func(context.Context) error { return nil }, end: func() {}}
	switch {
	case s.flags.guardrails != "":
		w, err := guardrail.NewWatcher(guardrail.WatcherConfig{
			Dir:      s.flags.guardrails,
			Changed:  func(set *guardrail.Set) { s.log.Info("guardrails reloaded", "digest", set.Digest) },
			Refused:  s.refusedGuardrails,
			Restored: func(set *guardrail.Set) { s.log.Info("the guardrails are in order again", "digest", set.Digest) },
		})
		if err != nil {
			return none, unaccepted(err)
		}
		return rails{set: w.Set, run: w.Run, end: none.end}, nil
	case s.flags.guardrailBundle != "":
		text, err := os.ReadFile(s.flags.guardrailBundle)
		if err != nil {
			return none, fmt.Errorf("reading the configuration of bundles: %w", err)
		}
		source, err := remote.Open(ctx, remote.Config{OPA: text, Log: s.log})
		if err != nil {
			return none, err
		}
		return rails{set: source.Set, run: none.run, end: source.Close}, nil
	}
	return none, nil
}

func (s *service) refusedGuardrails(err error) {
	s.log.Error("the new guardrails are refused, the old ones go on serving", "guardrails", s.flags.guardrails, "err", err)
}

func unaccepted(err error) error { return fmt.Errorf("the guardrails are not accepted:\n%w", err) }

// loadGuardrails reads a directory of guardrails; nil without a name.
func loadGuardrails(dir string) (*guardrail.Set, error) {
	if dir == "" {
		return nil, nil
	}
	set, err := guardrail.LoadDir(dir)
	if err != nil {
		return nil, unaccepted(err)
	}
	return set, nil
}
