package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/engine/audit"
	"github.com/keyreeve/keyreeve/engine/feed"
	"github.com/keyreeve/keyreeve/engine/instance"
	"github.com/keyreeve/keyreeve/policytests/safetext"
	"github.com/keyreeve/keyreeve/rego/slip"
	"github.com/keyreeve/keyreeve/store"
)

// eventFlags are the flags of events.
type eventFlags struct {
	data, since string
	operations  []string
	refused     bool
	json        bool

	from time.Time // what since means
}

func newEvents() *cobra.Command {
	var f eventFlags
	c := &cobra.Command{
		Use:   "events --data DIRECTORY",
		Short: "List the audit events of a data directory, while it is being served or not",
		Long: `events lists the audit events, the oldest first: one a line, with the time, the
operation, "ok" or the error code, who asked, and what it was about. With --json
each is a CloudTrail record, whole, one a line.

While a server has the data directory open the events come from it, by a socket
in the directory; else they are read from its files, which stay as they are. A
server may start meanwhile. Only the user whose directory it is reads the files,
also not root: sudo -u USER keyreeve events.

Exit codes: 0 fine, also without any event; 2 wrong flags; 3 the events cannot be
read, or some of them are damaged.`,
		Example: `  keyreeve events --data keyreeve-data --since 10m
  keyreeve events --data keyreeve-data --operation Decrypt --operation GenerateDataKey --refused
  keyreeve events --data /var/lib/keyreeve --since 2026-11-24T08:00:00Z --json | jq .userIdentity.arn`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.check(time.Now()); err != nil {
				return misused(c, err)
			}
			return cannot(f.list(c))
		},
	}
	flags := c.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.data, "data", "", "data `directory` of keyreeve serve")
	flags.StringVar(&f.since, "since", "", "only events from a `time` on: 2026-11-24T08:00:00Z, or so long ago, as 10m or 24h")
	flags.StringArrayVar(&f.operations, "operation", nil, "only events of an operation, by `name`; may be repeated")
	flags.BoolVar(&f.refused, "refused", false, "only events of calls that failed or were refused")
	flags.BoolVar(&f.json, "json", false, "whole records, one JSON object a line")
	return c
}

// check completes the flags and refuses those that say nothing.
func (f *eventFlags) check(now time.Time) error {
	if f.data == "" {
		return errors.New("events needs --data DIRECTORY")
	}
	for _, name := range f.operations {
		if known := audit.Operations(); !slices.Contains(known, name) {
			return fmt.Errorf("--operation: there are no events of %q%s", name, slip.Meant(name, known))
		}
	}
	if f.since == "" {
		return nil
	}
	ago, err := time.ParseDuration(f.since)
	if err == nil && ago >= 0 {
		f.from = now.Add(-ago)
		return nil
	}
	if f.from, err = time.Parse(time.RFC3339, f.since); err != nil {
		return fmt.Errorf("--since is a time such as 2026-11-24T08:00:00Z, or a duration such as 10m, not %q", f.since)
	}
	return nil
}

// list prints the events that the flags ask for.
func (f *eventFlags) list(c *cobra.Command) error {
	out := bufio.NewWriter(c.OutOrStdout())
	var lost []error
	err := instance.Events(c.Context(), f.data, func(r feed.Record) error {
		if r.Lost != "" {
			lost = append(lost, errors.New(r.Lost))
			return nil
		}
		return f.print(out, r)
	})
	err = errors.Join(err, out.Flush())
	switch {
	case errors.Is(err, instance.ErrAbsent):
		return fmt.Errorf("%w: name that of keyreeve serve with --data", err)
	case errors.Is(err, store.ErrLocked):
		return fmt.Errorf("the data directory %s is in use by a process that gives out no events: see its log", f.data)
	}
	return errors.Join(append([]error{err}, lost...)...)
}

// print writes an event, if it is asked for.
func (f *eventFlags) print(out io.Writer, r feed.Record) error {
	if r.Time.Before(f.from) {
		return nil
	}
	var e audit.Event
	if err := json.Unmarshal(r.Event, &e); err != nil {
		return fmt.Errorf("event %d: %w", r.Seq, err)
	}
	if len(f.operations) > 0 && !slices.Contains(f.operations, e.EventName) || f.refused && e.ErrorCode == "" {
		return nil
	}
	if f.json {
		_, err := fmt.Fprintf(out, "%s\n", seen(r.Event))
		return err
	}
	fields := []string{e.EventTime, e.EventName, cmp.Or(e.ErrorCode, "ok"), who(e.UserIdentity)}
	for _, resource := range e.Resources {
		fields = append(fields, resource.ARN)
	}
	for i, text := range fields {
		fields[i] = safetext.Text(text)
	}
	_, err := fmt.Fprintln(out, strings.Join(fields, "  "))
	return err
}

// seen is JSON in which all that does something to whoever reads it as text is
// escaped, in strings, the only place for it: \u009b. To programs it is the same.
func seen(value json.RawMessage) []byte {
	safe := make([]byte, 0, len(value))
	for _, c := range string(value) {
		if c >= 0x7f && safetext.Unsafe(c) {
			safe = fmt.Appendf(safe, `\u%04x`, c)
			continue
		}
		safe = utf8.AppendRune(safe, c)
	}
	return safe
}

// who is the caller of a record: its ARN, the service that acts as itself, or
// all that another account's log says.
func who(identity json.RawMessage) string {
	var i struct{ ARN, InvokedBy, PrincipalID, AccountID string }
	if json.Unmarshal(identity, &i) != nil {
		return "-"
	}
	return cmp.Or(i.ARN, i.InvokedBy, i.PrincipalID, i.AccountID, "-")
}
