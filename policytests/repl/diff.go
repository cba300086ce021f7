package repl

import (
	"context"
	"fmt"
	"strings"

	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/policytests/analysis"
	"github.com/keyreeve/keyreeve/policytests/report"
)

// A Diff is what diff answers: what the session's changes let happen, and
// what they end, for each key.
type Diff struct {
	Changes []string  `json:"changes"`
	Off     []string  `json:"off"`
	Given   []string  `json:"given"`
	Same    bool      `json:"same"` // it is proved that all requests about keys are decided as before
	Keys    []KeyDiff `json:"keys"` // those about which something changed, or is not known
}

// A KeyDiff is the difference for one key.
type KeyDiff struct {
	Key       string   `json:"key"`
	Granted   []Shift  `json:"granted"`
	Withdrawn []Shift  `json:"withdrawn"`
	Unknown   []string `json:"unknown"` // what could not be decided: there may be more
}

// A Shift is a class of principals that may do something now, or not any more,
// with a case line that shows it.
type Shift struct {
	Class   string   `json:"class"`
	Actions []string `json:"actions"`
	Case    string   `json:"case"`
}

// diff compares the world of the session with the one that was loaded.
func diff(ctx context.Context, s *Session, rest string) (Answer, error) {
	only := ""
	if rest != "" {
		k, err := s.key(rest)
		if err != nil {
			return Answer{}, err
		}
		only = k.ARN
	}
	changed := s.changedAnswer("").Value.(Changed)
	d := Diff{Changes: changed.Changes, Off: changed.Off, Given: changed.Given, Same: true, Keys: []KeyDiff{}}
	for _, now := range s.current.world.Keys() {
		if only != "" && now.ARN != only {
			continue
		}
		before := keyWith(s.loaded.world, now.ARN)
		if before == nil {
			continue // changes of a session add no keys
		}
		one, err := s.keyDiff(ctx, before, now)
		if err != nil {
			return Answer{}, fmt.Errorf("comparing key/%s: %w", now.Name, err)
		}
		if len(one.Granted)+len(one.Withdrawn)+len(one.Unknown) > 0 {
			d.Same, d.Keys = false, append(d.Keys, one)
		}
	}
	return Answer{Value: d, Text: s.diffText(d), No: !d.Same}, nil
}

func keyWith(w *world.World, arn string) *world.Key {
	for _, k := range w.Keys() {
		if k.ARN == arn {
			return k
		}
	}
	return nil
}

func (s *Session) keyDiff(ctx context.Context, before, now *world.Key) (KeyDiff, error) {
	one := KeyDiff{Key: keyOf(now).String()}
	cfg := analysis.Config{Engine: s.cfg.Engine, Now: s.cfg.Now}
	old, err := analysis.OfKey(s.loaded.world, before, cfg)
	if err != nil {
		return one, err
	}
	fresh, err := analysis.OfKey(s.current.world, now, cfg)
	if err != nil {
		return one, err
	}
	d, err := analysis.Diff(ctx, old, fresh, nil)
	if err != nil {
		return one, err
	}
	one.Granted, one.Withdrawn, one.Unknown = shifts(d.Granted, true), shifts(d.Withdrawn, false), append([]string{}, d.Unknown...)
	return one, nil
}

// shifts tells each change with its case in the new version.
func shifts(all []analysis.Change, allowed bool) []Shift {
	list := make([]Shift, len(all))
	for i, c := range all {
		list[i] = Shift{Class: c.Class, Actions: c.Actions, Case: c.Witness.CaseThat(allowed)}
	}
	return list
}

func (s *Session) diffText(d Diff) string {
	var lines []string
	for _, c := range d.Changes {
		lines = append(lines, s.faint("changed: "+c))
	}
	for _, g := range d.Given {
		lines = append(lines, s.faint("given: "+g))
	}
	if len(d.Off) > 0 {
		lines = append(lines, s.faint("off: "+strings.Join(d.Off, ", ")))
	}
	if d.Same {
		return strings.Join(append(lines, "Every request about these keys is decided as before."), "\n")
	}
	for _, k := range d.Keys {
		lines = append(lines, s.strong(k.Key))
		for _, c := range k.Granted {
			lines = append(lines, s.shift(report.Bad, "+", "newly allowed", c))
		}
		for _, c := range k.Withdrawn {
			lines = append(lines, s.shift(report.Good, "-", "newly denied", c))
		}
		for _, u := range k.Unknown {
			lines = append(lines, s.cfg.Style.Paint(report.Doubt, "  ? not known: "+u))
		}
	}
	return strings.Join(lines, "\n")
}

func (s *Session) shift(ink report.Ink, sign, what string, c Shift) string {
	actions := strings.Join(c.Actions, ", ")
	if len(c.Actions) > 4 {
		actions = fmt.Sprintf("%s and %d more", strings.Join(c.Actions[:3], ", "), len(c.Actions)-3)
	}
	return s.cfg.Style.Paint(ink, "  "+sign+" "+what) + " " + c.Class + ": " + actions + "\n" + s.faint("      "+c.Case)
}
