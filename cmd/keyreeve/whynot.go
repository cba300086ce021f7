package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/policytests/query"
)

func newWhyNot() *cobra.Command {
	var f questionFlags
	c := &cobra.Command{
		Use:   "why-not PRINCIPAL ACTION [KEY] [CLAUSE…]",
		Short: "Say what would allow a request that is denied: the smallest changes, each tried in the engine",
		Long: `why-not looks for the smallest changes after which a denied request would be allowed:
another value in the request, an action, principal or condition in a statement, a
new statement or grant, an exception from a Deny; across accounts one on each side.
Each was applied, and the engine asked again, before it is printed. Explicit denies
and guardrails, which no Allow overrides, are named.

Proposals are for people who judge them: that a change is small does not make it
right. With --json each edit is a JSON Patch (RFC 6902) of its policy, beside the
statement as it would then be.

Exit codes: 0 there is a change, or the request is allowed already; 1 none was
found; 2 the request makes no sense; 3 the world cannot be read.`,
		Example: `  keyreeve why-not -w world/ role/payroll kms:Decrypt key/payroll kms:EncryptionContext:dept=it
  keyreeve why-not -w world/ user/carol kms:Decrypt key/payroll --json`,
		RunE: func(c *cobra.Command, args []string) error { return f.whyNot(c, args) },
	}
	f.add(c)
	return c
}

func (f *questionFlags) whyNot(c *cobra.Command, args []string) error {
	without, all, err := f.each(c, args, func(b *query.Base, r caseline.Request) (told, bool, error) {
		remedy, err := query.WhyNot(c.Context(), b, r)
		return remedy, remedy.Explanation.Allowed || len(remedy.Proposals) > 0, err
	})
	if err != nil {
		return err
	}
	switch {
	case without == 0:
		return nil
	case all == 1:
		return &exitError{exitFindings, errors.New("no change was found that would allow the request")}
	}
	return &exitError{exitFindings, fmt.Errorf("no change was found that would allow %d of %d requests", without, all)}
}
