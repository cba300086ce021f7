package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/policytests/query"
)

func newWhatCan() *cobra.Command {
	var f accessFlags
	c := &cobra.Command{
		Use:   "what-can PRINCIPAL [KEY]",
		Short: "List everything that a principal can do with a key, or with all keys, and under which conditions",
		Long: `what-can answers for every action, whether there is any request at all with which
PRINCIPAL is allowed it on KEY, or without KEY on each key of the world and with the
operations that are about no key. It looks at all layers of policies together, and
says under which conditions ("when"), and through which policy or grant. Each answer
but "never" was confirmed by the engine with a request; "never" is proved; what
cannot be decided is "unknown".

PRINCIPAL is written as in case lines: role/payroll, user/bob@partner, root@acme,
federated/visitor, service/s3.amazonaws.com, an ARN; or "any other account" for
whoever is of an account that the world does not have.

Exit codes: 0 it can do something; 1 nothing; 2 there is no such principal or key; 3
the world cannot be read, or something is unknown.`,
		Example: `  keyreeve what-can -w world/ role/payroll key/payroll
  keyreeve what-can -w world/ user/bob --action 'kms:*Grant*'
  keyreeve what-can -w world/ 'any other account' key/payroll`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 || len(args) > 2 {
				return fmt.Errorf("%s asks about PRINCIPAL [KEY]; see %s --help", c.Name(), c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return f.whatCan(c, append(args, "")[:2]) },
	}
	f.add(c)
	c.Flags().StringVar(&f.filter.Action, "action", "", "only actions that match a `pattern` (* and ?)")
	return c
}

func (f *accessFlags) whatCan(c *cobra.Command, args []string) error {
	b, err := f.open()
	if err != nil {
		return err
	}
	working := startProgress(c.ErrOrStderr(), "looking for what "+args[0]+" can")
	t, err := query.WhatCan(c.Context(), b, args[0], args[1], f.filter)
	working.stop()
	if err != nil {
		return misunderstood("", err)
	}
	return f.tell(c, t, args[0]+" can do nothing of this")
}
