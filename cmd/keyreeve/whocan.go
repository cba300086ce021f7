package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/policytests/query"
)

// accessFlags are the flags of who-can and what-can.
type accessFlags struct {
	questionFlags
	filter query.Filter
}

func newWhoCan() *cobra.Command {
	var f accessFlags
	c := &cobra.Command{
		Use:   "who-can ACTION [KEY]",
		Short: "List everybody who can use a key in a way, and under which conditions",
		Long: `who-can answers for every principal of a world, whether there is any request at all
with which it can do ACTION on KEY: root users, users, roles, federated and web
sessions, services, and whoever is of an account that the world does not have. It
looks at key policy, IAM policies, grants, boundaries, session policies, SCPs, RCPs
and VPC endpoints together, and says under which conditions ("when"), and through
which policy or grant. Each answer but "never" was confirmed by the engine with a
request; "never" is proved; what cannot be decided is "unknown".

ACTION is kms:Decrypt, or a pattern such as 'kms:GenerateDataKey*', or several with
commas between them. KEY is key/NAME, alias/NAME or an ARN; leave it out for actions
that are about no key.

Exit codes: 0 somebody can; 1 nobody can; 2 there is no such action or key; 3 the
world cannot be read, or something is unknown.`,
		Example: `  keyreeve who-can -w world/ kms:Decrypt key/payroll
  keyreeve who-can -w world/ 'kms:*' key/payroll --principal 'role/*'
  keyreeve who-can -w world/ kms:CreateKey --json`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 || len(args) > 2 {
				return fmt.Errorf("%s asks about ACTION [KEY]; see %s --help", c.Name(), c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return f.whoCan(c, append(args, "")[:2]) },
	}
	f.add(c)
	c.Flags().StringVar(&f.filter.Principal, "principal", "", "only principals whose name or ARN matches a `pattern` (* and ?)")
	return c
}

func (f *accessFlags) whoCan(c *cobra.Command, args []string) error {
	b, err := f.open()
	if err != nil {
		return err
	}
	working := startProgress(c.ErrOrStderr(), "looking for who can "+args[0])
	t, err := query.WhoCan(c.Context(), b, strings.Split(args[0], ","), args[1], f.filter)
	working.stop()
	if err != nil {
		return misunderstood("", err)
	}
	return f.tell(c, t, "nobody can")
}

// tell writes a table, and ends the command as its rows say.
func (f *accessFlags) tell(c *cobra.Command, t query.Table, nothing string) error {
	if err := f.write(c, 0, t); err != nil {
		return cannot(err)
	}
	unknown, can := 0, false
	for _, r := range t.Rows {
		switch r.Verdict {
		case query.Unknown:
			unknown++
		case query.Always, query.When:
			can = true
		}
	}
	switch {
	case unknown > 0:
		return cannot(fmt.Errorf("%d of %d answers are unknown", unknown, len(t.Rows)))
	case !can:
		return &exitError{exitFindings, errors.New(nothing)}
	}
	return nil
}
