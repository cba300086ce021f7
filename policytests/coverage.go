package policytests

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A Coverage tells which statements and grants of the worlds were the reason of
// a decision, and which never were. It does not depend on how policies are
// formatted. What the authors did not write does not count: policies of AWS
// and of keys that have none of their own, and trust policies unless some case
// asks about a role.
type Coverage struct {
	Statements []CoveredStatement `json:"statements"` // by file and place
	Grants     []CoveredGrant     `json:"grants"`     // by world, key and name
}

// A CoveredStatement is one statement of one file, however often the world
// attaches it.
type CoveredStatement struct {
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Path     string   `json:"path"` // JSON path in the policy
	Kind     string   `json:"kind"` // of policy: key, identity, …
	Sid      string   `json:"sid,omitempty"`
	Effect   string   `json:"effect"`
	UsedBy   []string `json:"usedBy"`          // what the policy is attached to
	Decisive int      `json:"decisive"`        // requests of which it was the reason
	First    string   `json:"first,omitempty"` // file and line of the first of them
	Text     string   `json:"-"`
}

// A CoveredGrant is one grant on a key of the world.
type CoveredGrant struct {
	World    string `json:"world"`
	Key      string `json:"key"` // as case lines call it
	Name     string `json:"name"`
	Decisive int    `json:"decisive"`
	First    string `json:"first,omitempty"`
}

// Count is how many statements and grants were decisive, of how many.
func (c Coverage) Count() (decisive, all int) {
	for _, s := range c.Statements {
		if s.Decisive > 0 {
			decisive++
		}
	}
	for _, g := range c.Grants {
		if g.Decisive > 0 {
			decisive++
		}
	}
	return decisive, len(c.Statements) + len(c.Grants)
}

// Percent is the share of statements and grants that were decisive, and false
// if there are none: a share of nothing passes no threshold.
func (c Coverage) Percent() (float64, bool) {
	decisive, all := c.Count()
	if all == 0 {
		return 0, false
	}
	return 100 * float64(decisive) / float64(all), true
}

// A collector notes what decisions came from. It is safe for concurrent use.
type collector struct {
	mu         sync.Mutex
	statements map[*policy.Document][]tally
	grants     map[string]*tally
	trust      bool // a case asked about a role
}

type tally struct {
	n     int
	first spot
}

// A spot is where a case stands. Spots have an order, so that the first does
// not depend on which case was decided sooner.
type spot struct {
	file string
	line int
}

func (t *tally) add(at spot) {
	if t.n == 0 || cmp.Or(strings.Compare(at.file, t.first.file), at.line-t.first.line) < 0 {
		t.first = at
	}
	t.n++
}

func (t tally) told() string {
	if t.n == 0 {
		return ""
	}
	return fmt.Sprintf("%s:%d", t.first.file, t.first.line)
}

func newCollector() *collector {
	return &collector{statements: map[*policy.Document][]tally{}, grants: map[string]*tally{}}
}

// note takes down what a decision came from. A nil collector takes nothing.
func (c *collector) note(d decision.Decision, j *job) {
	if c == nil {
		return
	}
	at := spot{j.file.shown, j.line.Pos.Line}
	decisive := d.Decisive()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range decisive {
		if c.statements[s.Document] == nil {
			c.statements[s.Document] = make([]tally, len(s.Document.Statements))
		}
		c.statements[s.Document][s.Index].add(at)
	}
	for _, id := range d.Grants {
		if c.grants[id] == nil {
			c.grants[id] = &tally{}
		}
		c.grants[id].add(at)
	}
	c.trust = c.trust || d.Question().Rule == decision.Trust
}

// coverage holds what was noted against all that the world of a place has.
func (p place) coverage(rooms []*Asker, noted *collector, to *Coverage) {
	statements := map[string]*CoveredStatement{}
	grants := map[string]*CoveredGrant{}
	counted := map[*policy.Document]bool{}
	for _, room := range rooms {
		for _, a := range room.attachments() {
			if a.policy.Document.Kind == policy.Trust && !noted.trust {
				continue
			}
			counts := noted.statements[a.policy.Document]
			if counted[a.policy.Document] {
				counts = nil
			}
			counted[a.policy.Document] = true
			p.statements(a, counts, statements)
		}
		for _, k := range room.cfg.World.Keys() {
			for _, g := range k.Grants {
				covered := &CoveredGrant{World: p.path, Key: room.KeyName(k), Name: g.Name}
				if t := noted.grants[g.ID]; t != nil {
					covered.Decisive, covered.First = t.n, t.told()
				}
				grants[g.ID] = covered
			}
		}
	}
	for _, s := range statements {
		to.Statements = append(to.Statements, *s)
	}
	for _, g := range grants {
		to.Grants = append(to.Grants, *g)
	}
}

// statements adds those of one policy, with how often each was decisive; nil:
// that is added already. The same file read twice is one.
func (p place) statements(a attachment, counts []tally, to map[string]*CoveredStatement) {
	file := p.shown(a.policy.File)
	for i, s := range a.policy.Document.Statements {
		line := a.policy.Line(s.Pos)
		name := fmt.Sprintf("%s\x00%d\x00%s", file, line, s.Pos.Path)
		covered := to[name]
		if covered == nil {
			covered = &CoveredStatement{
				File: file, Line: line, Path: s.Pos.Path, Kind: a.policy.Document.Kind.String(), Sid: s.Sid, Effect: s.Effect.String(),
				Text: statementText(a.policy.Document, s),
			}
			to[name] = covered
		}
		if !slices.Contains(covered.UsedBy, a.to) {
			covered.UsedBy = append(covered.UsedBy, a.to)
		}
		if counts == nil || counts[i].n == 0 {
			continue
		}
		if first := counts[i].told(); covered.Decisive == 0 || first < covered.First {
			covered.First = first
		}
		covered.Decisive += counts[i].n
	}
}

// statementText is the JSON of one statement, as it stands in its file.
func statementText(doc *policy.Document, s policy.Statement) string {
	var raw json.RawMessage
	if err := json.NewDecoder(strings.NewReader(doc.Text[s.Pos.Offset:])).Decode(&raw); err != nil {
		return "" // a document that was parsed holds a statement there
	}
	if bytes.ContainsRune(raw, '\n') {
		return string(raw)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, raw, "", "  "); err != nil {
		return string(raw)
	}
	return pretty.String()
}

// sort puts statements and grants into the order of their places.
func (c *Coverage) sort() {
	slices.SortFunc(c.Statements, func(a, b CoveredStatement) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, strings.Compare(a.Path, b.Path))
	})
	slices.SortFunc(c.Grants, func(a, b CoveredGrant) int {
		return cmp.Or(strings.Compare(a.World, b.World), strings.Compare(a.Key, b.Key), strings.Compare(a.Name, b.Name))
	})
}
