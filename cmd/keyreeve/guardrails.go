package main

import (
	"context"
	"fmt"
	"os"

	"github.com/keyreeve/keyreeve/rego/guardrail"
	"github.com/keyreeve/keyreeve/rego/guardrail/remote"
)

// guardrails loads the organization's own Rego; of is nil without any. end
// stops what keeps it up to date.
func (s *service) guardrails(ctx context.Context) (of func() *guardrail.Set, end func(), err error) {
	switch {
	case s.flags.guardrails != "":
		set, err := loadGuardrails(s.flags.guardrails)
		return func() *guardrail.Set { return set }, func() {}, err
	case s.flags.guardrailBundle != "":
		text, err := os.ReadFile(s.flags.guardrailBundle)
		if err != nil {
			return nil, nil, fmt.Errorf("reading the configuration of bundles: %w", err)
		}
		source, err := remote.Open(ctx, remote.Config{OPA: text, Log: s.log})
		if err != nil {
			return nil, nil, err
		}
		return source.Set, source.Close, nil
	}
	return nil, func() {}, nil
}

// loadGuardrails reads a directory of guardrails; nil without a name.
func loadGuardrails(dir string) (*guardrail.Set, error) {
	if dir == "" {
		return nil, nil
	}
	set, err := guardrail.LoadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("the guardrails are not accepted:\n%w", err)
	}
	return set, nil
}
