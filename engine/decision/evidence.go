package decision

import (
	"slices"
	"unicode/utf8"
)

// EvidenceVersion is the version of the form of Evidence in JSON.
const EvidenceVersion = 1

// What evidence holds at most: policies can have hundreds of statements that
// match, and every refusal is written down. What is left out is counted.
const (
	maxStatements = 20  // of a layer, and of those that settled
	maxGrants     = 20  // ids
	maxValues     = 20  // that a condition wanted, and that the request had
	maxText       = 256 // bytes of a text that a policy or a request chooses
)

// Evidence is the account of a decision. Its JSON is stable, and its length
// bounded; README.md documents it.
type Evidence struct {
	Version   int             `json:"version"`
	Allowed   bool            `json:"allowed"`
	Reason    Reason          `json:"reason"`
	Layer     Layer           `json:"layer"`
	Rule      string          `json:"rule"`
	Principal string          `json:"principal"`
	Action    string          `json:"action"`
	Resource  string          `json:"resource"`
	SettledBy []Statement     `json:"settledBy"`
	Grants    []string        `json:"grants"`
	Layers    []LayerEvidence `json:"layers,omitempty"` // in the order of A-10; a log may leave them out
	Nearest   *NearestMiss    `json:"nearestMiss,omitempty"`

	// How many more settled it, and how many more grants allowed.
	MoreSettledBy int `json:"moreSettledBy,omitempty"`
	MoreGrants    int `json:"moreGrants,omitempty"`
}

// A LayerEvidence tells what one level of a layer said. SCPs and RCPs have a
// level for the root, for each OU and for the account; other layers have one.
type LayerEvidence struct {
	Layer      Layer       `json:"layer"`
	Level      int         `json:"level"`
	Said       string      `json:"said"`
	Statements []Statement `json:"statements"`     // those that matched; denies first in each policy
	More       int         `json:"more,omitempty"` // how many more matched
}

// What a layer can say. An exempt layer does not bind the call; a hidden one
// is not for the reader to see.
const (
	SaidDeny        = "deny"
	SaidAllow       = "allow"
	SaidNothing     = "nothing"
	SaidNotAttached = "not attached"
	SaidExempt      = "exempt"
	SaidHidden      = "hidden"
)

// A NearestMiss is a statement that would have allowed but for one condition.
type NearestMiss struct {
	Statement Statement `json:"statement"` // by what it would have matched in via
	Operator  string    `json:"operator"`  // of the condition, as "ForAnyValue:StringLikeIfExists"
	Key       string    `json:"key"`       // as written
	Path      string    `json:"path"`      // JSON path of the condition
	Line      int       `json:"line"`
	Wanted    []string  `json:"wanted"`
	Actual    []string  `json:"actual"` // empty: the key is absent from the request

	// How many more values there are.
	MoreWanted int `json:"moreWanted,omitempty"`
	MoreActual int `json:"moreActual,omitempty"`
}

// first returns the first n of all, and how many that leaves out.
func first[T any](all []T, n int) (kept []T, more int) {
	if len(all) <= n {
		return all, 0
	}
	return slices.Clone(all[:n]), len(all) - n
}

// foremost returns the first maxStatements of all, among them the first of
// those that settle, and how many that leaves out.
func foremost(all []Statement, settles func(Statement) bool) (kept []Statement, more int) {
	kept, more = first(all, maxStatements)
	if at := slices.IndexFunc(all, settles); at >= maxStatements {
		kept[maxStatements-1] = all[at]
	}
	return kept, more
}

// shorten bounds the statements of the levels of one layer together, and keeps
// the first of those that settled.
func shorten(levels []LayerEvidence, settled []Statement) {
	n := 0
	for _, l := range levels {
		n += len(l.Statements)
	}
	if n <= maxStatements {
		return
	}
	all := make([]Statement, 0, n)
	for _, l := range levels {
		all = append(all, l.Statements...)
	}
	kept, _ := foremost(all, func(s Statement) bool {
		at := slices.IndexFunc(settled, func(o Statement) bool { return o.Layer == s.Layer })
		return at >= 0 && settled[at].same(s)
	})
	for i := range levels {
		levels[i].More, levels[i].Statements = len(levels[i].Statements), []Statement{}
	}
	for _, s := range kept {
		l := &levels[s.Level]
		l.Statements = append(l.Statements, s)
		l.More--
	}
}

// brief cuts a text after maxText bytes, between characters.
func brief(text string) string {
	if len(text) <= maxText {
		return text
	}
	end := maxText
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// values are the first of those of a condition or a request, each brief.
func values(all []string) (kept []string, more int) {
	all, more = first(all, maxValues)
	kept = make([]string, len(all))
	for i, v := range all {
		kept[i] = brief(v)
	}
	return kept, more
}
