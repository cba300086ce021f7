// Package lint finds what is wrong with one policy document or one list of grants by its form and by the tables of actions
// and condition keys, and holds the table of all rules with their pages.
package lint

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// Severity of a finding. The zero value is invalid; smaller is graver.
type Severity int

// The severities. An Error is refused by the service or never does what it
// says; Security lets in more than it should.
const (
	Error Severity = iota + 1
	Security
	Warning
	Suggestion
)

var severityNames = [...]string{"invalid severity", "error", "security", "warning", "suggestion"}

// String names the severity in one lower-case word.
func (s Severity) String() string {
	if s < Error || s > Suggestion {
		return severityNames[0]
	}
	return severityNames[s]
}

// SeverityNamed is the severity that String names.
func SeverityNamed(name string) (Severity, bool) {
	for s := Error; s <= Suggestion; s++ {
		if severityNames[s] == name {
			return s, true
		}
	}
	return 0, false
}

// MarshalText gives String; it is an error for an invalid severity.
func (s Severity) MarshalText() ([]byte, error) {
	if s < Error || s > Suggestion {
		return nil, fmt.Errorf("marshalling severity %d", int(s))
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads what MarshalText wrote.
func (s *Severity) UnmarshalText(text []byte) error {
	var ok bool
	if *s, ok = SeverityNamed(string(text)); !ok {
		return fmt.Errorf("%q is no severity", text)
	}
	return nil
}

// A Point is a place in a text: Line and Column count from 1, columns in
// characters; Offset counts bytes from 0.
type Point struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Offset int `json:"offset"`
}

// A Span is a stretch of a policy's text: of the offending value, name or,
// where something is missing, of what lacks it. End is behind its last byte.
type Span struct {
	Start Point `json:"start"`
	End   Point `json:"end"`
	// Path in JSON path notation, as in policy.Pos.
	Path string `json:"path"`
}

// A Fix is a change of the policy's text that removes the finding. Its edits
// do not overlap, are in the order of their places, and are made together.
type Fix struct {
	Title string `json:"title"`
	Edits []Edit `json:"edits"`
}

// An Edit puts Text in the place of the Length bytes from Offset on.
type Edit struct {
	Offset int    `json:"offset"`
	Length int    `json:"length"`
	Text   string `json:"text"`
}

// A Witness is a request that shows a finding.
type Witness struct {
	// Case is a case line that the runner of tests takes as it stands.
	Case string `json:"case"`
	// Question in the form of engine/question, if any.
	Question json.RawMessage `json:"question,omitempty"`
	// Allowed is the engine's answer.
	Allowed bool `json:"allowed"`
	// Note says in words what the request shows.
	Note string `json:"note,omitempty"`
}

// A Finding is one thing that a rule found.
type Finding struct {
	// Rule is the ID of a row of Rules.
	Rule string `json:"rule"`
	// Severity is mostly that of the rule; README says when it differs.
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
	// File and Policy say where the text came from; whoever read it fills them.
	File   string `json:"file,omitempty"`
	Policy string `json:"policy,omitempty"`
	// Kind of the policy; zero for grants.
	Kind policy.Kind `json:"-"`
	Span Span        `json:"span"`
	// Suggestion is what was probably meant instead of the offending word.
	Suggestion string    `json:"suggestion,omitempty"`
	Fixes      []Fix     `json:"fixes,omitempty"`
	Witness    []Witness `json:"witness,omitempty"`
	// Unknown: the rule could not be decided, and Message says why.
	Unknown bool `json:"unknown,omitempty"`
}

// Options say what is known of the place that a policy is for. All zero values
// are usable: what is not known is not held against a policy.
type Options struct {
	// Account, Region and Partition of the key, or of the owner of the policy.
	Account, Region, Partition string
	// KeyARN of the key that a key policy or a grant is attached to.
	KeyARN string
	// KeySpec ("SYMMETRIC_DEFAULT", "RSA_2048", …) and KeyUsage
	// ("ENCRYPT_DECRYPT", …) of that key.
	KeySpec, KeyUsage string
	// AWSManaged: AWS manages the key, so the rules of lockout and delegation
	// rest.
	AWSManaged bool
	// Trusted accounts besides Account.
	Trusted []string
	// Known tells whether a principal that a policy names exists. Nil: not
	// known. It is asked about users and roles (ARNs) and services (names).
	Known func(p policy.Principal) bool
	// Now says which times have run out, and with GrantAge when a grant is
	// stale; what is zero lets the rules rest.
	Now      time.Time
	GrantAge time.Duration
}
