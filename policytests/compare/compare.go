// Package compare compares two versions of a file, a directory or a world of policies by what they let happen.
package compare

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests/analysis"
	"github.com/keyreeve/keyreeve/policytests/extract"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// Options say how versions are read and compared. The zero value is usable.
type Options struct {
	Extract extract.Options
	Engine  *decision.Engine // that confirms; nil: one that the process shares
}

// A Report tells what changed, in the order of names.
type Report struct {
	Parts []Part
	// Unknown says what could not be compared; then there may be more changes.
	Unknown []string
}

// A Part is one policy, or one key of a world.
type Part struct {
	// Name of the file and the policy in it, or of the world and the key,
	// relative to what was compared.
	Name string
	// State says whether one version lacks it: "added" or "removed".
	State string
	analysis.Difference
}

// A Result sums a report up.
type Result string

// The results: both versions decide every request alike; the new one allows
// something that the old one did not; it only allows less; it allows no more
// that could be found, but not all could be compared.
const (
	Same      Result = "same"
	NewAccess Result = "new-access"
	Narrower  Result = "narrower"
	Unknown   Result = "unknown"
)

// Result sums the report up.
func (r *Report) Result() Result {
	granted, withdrawn, unknown := 0, 0, len(r.Unknown)
	for _, p := range r.Parts {
		granted, withdrawn, unknown = granted+len(p.Granted), withdrawn+len(p.Withdrawn), unknown+len(p.Unknown)
	}
	switch {
	case granted > 0:
		return NewAccess
	case unknown > 0:
		return Unknown
	case withdrawn > 0:
		return Narrower
	default:
		return Same
	}
}

// Paths compares two files, directories or worlds. An error says that one of
// them cannot be read, that the engine disagrees, or that ctx ended.
func Paths(ctx context.Context, old, new string, o Options) (*Report, error) {
	a, err := read(old, o)
	if err != nil {
		return nil, err
	}
	b, err := read(new, o)
	if err != nil {
		return nil, err
	}
	if a.single != nil && b.single != nil {
		b.policies, b.names = map[string]*extract.Policy{a.names[0]: b.single}, a.names
	}
	renamed(a, b)
	c := &comparer{options: o, report: &Report{}}
	for _, name := range names(a.names, b.names) {
		if err := c.policies(ctx, name, a.policies[name], b.policies[name]); err != nil {
			return nil, err
		}
	}
	for _, name := range names(a.worldNames, b.worldNames) {
		if err := c.worlds(ctx, name, a.worlds[name], b.worlds[name]); err != nil {
			return nil, err
		}
	}
	return c.report, nil
}

// names are those of both sides, each once, in order.
func names(a, b []string) []string {
	all := append(slices.Clone(a), b...)
	slices.Sort(all)
	return slices.Compact(all)
}

// A side is one version.
type side struct {
	policies   map[string]*extract.Policy // that belong to no world
	names      []string
	worlds     map[string]string // paths by relative name
	worldNames []string
	single     *extract.Policy // where the version is one file with one policy
}

// read finds the policies of one version.
func read(path string, o Options) (*side, error) {
	found, err := extract.Paths([]string{path}, o.Extract)
	if err != nil {
		return nil, err
	}
	if len(found.Errors) > 0 {
		return nil, found.Errors[0]
	}
	s := &side{policies: map[string]*extract.Policy{}, worlds: map[string]string{}}
	for _, p := range found.Policies {
		if p.World != "" {
			continue
		}
		name := relative(path, p.File)
		if p.Name != "" {
			name += " " + p.Name
		}
		name = strings.TrimSpace(name)
		s.policies[name], s.names = p, append(s.names, name)
	}
	for _, w := range found.Worlds {
		name := relative(path, w)
		s.worlds[name], s.worldNames = w, append(s.worldNames, name)
	}
	if len(found.Policies) == 1 && len(found.Worlds) == 0 && filepath.Clean(found.Policies[0].File) == filepath.Clean(path) {
		s.single = found.Policies[0]
	}
	if len(s.names)+len(s.worldNames) == 0 {
		return nil, fmt.Errorf("%s holds no policies and no world", path)
	}
	return s, nil
}

// relative is the name of a file below what is compared; that of the file
// itself if it is what is compared.
func relative(base, file string) string {
	rel, err := filepath.Rel(base, file)
	if err != nil || rel == "." {
		return ""
	}
	return filepath.ToSlash(rel)
}

// A comparer gathers what differs.
type comparer struct {
	options Options
	report  *Report
}

func (c *comparer) config() analysis.Config { return analysis.Config{Engine: c.options.Engine} }

func (c *comparer) unknown(format string, args ...any) {
	c.report.Unknown = append(c.report.Unknown, fmt.Sprintf(format, args...))
}

// policies compares one policy of both versions; nil: one does not have it.
func (c *comparer) policies(ctx context.Context, name string, old, new *extract.Policy) error {
	if old != nil && new != nil && bytes.Equal(old.Text, new.Text) && old.Kind == new.Kind && old.Account == new.Account {
		return nil
	}
	shown := name
	if shown == "" {
		shown = "the policy"
	}
	known := new
	if new == nil {
		known = old
	}
	switch {
	case known.Grants:
		c.unknown("%s changed, and grants by themselves are not compared", shown)
		return nil
	case old != nil && new != nil && old.Kind != new.Kind:
		return fmt.Errorf("%s is %s in one version and %s in the other; say --kind", shown, old.Kind, new.Kind)
	}
	pair, state, err := c.pair(shown, old, new)
	if err != nil {
		return err
	}
	var d analysis.Difference
	for _, u := range pair.universes {
		more, err := analysis.Diff(ctx, u[0], u[1], nil)
		if err != nil {
			return fmt.Errorf("comparing %s: %w", shown, err)
		}
		d.Granted, d.Withdrawn, d.Unknown = append(d.Granted, more.Granted...), append(d.Withdrawn, more.Withdrawn...), append(d.Unknown, more.Unknown...)
	}
	c.foreign(shown, d, pair.foreign)
	c.add(Part{Name: name, State: state, Difference: d})
	return nil
}

func (c *comparer) add(p Part) {
	if !p.Same() {
		c.report.Parts = append(c.report.Parts, p)
	}
}

// foreign says what changed in statements about actions that are not compared.
func (c *comparer) foreign(name string, d analysis.Difference, pair [2]foreignSet) {
	actions := pair[0].changed(pair[1])
	switch {
	case len(actions) == 0:
	case d.Same():
		c.unknown("%s: all that is compared is the same; %s", name, notCompared(actions))
	default:
		c.unknown("%s: %s", name, notCompared(actions))
	}
}

// A pair is a policy in both versions.
type pair struct {
	universes [][2]*analysis.Universe // nil: that version does not have it
	foreign   [2]foreignSet
}

// roles are the ways to assume roles by which policies of a kind are compared.
func roles(k policy.Kind) ways {
	switch k {
	case policy.Trust:
		return byAnybody
	case policy.Key, policy.Endpoint:
		return 0
	default:
		return byPrincipals
	}
}

// pair makes universes of a policy in both versions.
func (c *comparer) pair(name string, old, new *extract.Policy) (pair, string, error) {
	pair := pair{foreign: [2]foreignSet{{}, {}}}
	var docs [2]*policy.Document
	state := ""
	known := old
	for i, p := range []*extract.Policy{old, new} {
		if p == nil {
			state = [2]string{"added", "removed"}[i]
			continue
		}
		known = p
		if len(p.Unknown) > 0 {
			c.unknown("%s: %s", name, p.Unknown[0].Message)
		}
		d, err := policy.Parse(p.Kind, p.Text)
		if err != nil {
			return pair, "", fmt.Errorf("%s is not accepted: %w", p.File, first(err))
		}
		docs[i] = d
		pair.foreign[i].take("", d, roles(d.Kind))
	}
	for i := range docs {
		if docs[i] == nil {
			docs[i], _ = analysis.None(known.Kind)
			if known.Kind != policy.Identity { // none of which allows nothing of any service
				pair.foreign[i].take("", docs[i], roles(known.Kind))
			}
		}
	}
	for _, assuming := range []bool{false, true} {
		if assuming && roles(known.Kind) != byPrincipals {
			break
		}
		u, err := c.universes(known, docs, assuming)
		if err != nil {
			return pair, "", fmt.Errorf("%s: %w", name, err)
		}
		pair.universes = append(pair.universes, u)
	}
	return pair, state, nil
}

// universes are those of both documents, of using keys or of assuming roles.
func (c *comparer) universes(p *extract.Policy, docs [2]*policy.Document, assuming bool) (pair [2]*analysis.Universe, err error) {
	var all []analysis.Loose
	for _, d := range docs {
		if d != nil {
			l := loose(p, d)
			l.Assuming = assuming
			all = append(all, l)
		}
	}
	universes, err := analysis.OfDocuments(c.config(), all...)
	if err != nil {
		return pair, err
	}
	for i := range docs {
		if docs[i] != nil {
			pair[i], universes = universes[0], universes[1:]
		}
	}
	return pair, nil
}

// first is the first of several faults.
func first(err error) error {
	var faults policy.Errors
	if errors.As(err, &faults) && len(faults) > 0 {
		return faults[0]
	}
	return err
}

func loose(p *extract.Policy, d *policy.Document) analysis.Loose {
	return analysis.Loose{Document: d, Name: p.Key.Name, Account: p.Account, Region: p.Region, Partition: p.Partition,
		KeySpec: p.Key.Spec, KeyUsage: p.Key.Usage, AWSManaged: p.Key.AWSManaged}
}
