package query

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
)

// A Table is who can do what, exhaustively. Its JSON is stable.
type Table struct {
	Version int      `json:"version"`
	Rows    []Access `json:"rows"` // by resource, action and principal
	Notes   []string `json:"notes,omitempty"`
}

// A Verdict says whether there is a request that is allowed. The zero value is
// invalid.
type Verdict string

// The verdicts. Unknown is neither yes nor no.
const (
	Always  Verdict = "always" // whatever the request holds
	When    Verdict = "when"   // under conditions
	Never   Verdict = "never"
	Unknown Verdict = "unknown"
)

// An Access is what one principal can do with one action on one resource.
type Access struct {
	Principal string `json:"principal"`     // as case lines name it
	ARN       string `json:"arn,omitempty"` // of a role a session of it
	Action    string `json:"action"`
	Resource  string `json:"resource"` // as case lines name it; "*" for none
	// Anyone: the principal stands for those of any account that the world does
	// not have, whose IAM policies allow everything.
	Anyone  bool    `json:"anyone,omitempty"`
	Verdict Verdict `json:"verdict"`
	// Ways are the distinct minimal sets of conditions under which it is
	// allowed; one without conditions for Always.
	Ways []Way `json:"ways,omitempty"`
	// Why says what could not be decided, or why it is never allowed.
	Why string `json:"why,omitempty"`
}

// A Way is a set of conditions that together are enough.
type Way struct {
	When []Term `json:"when"`
	// Through is the layer that then allows, By its statements.
	Through decision.Layer `json:"through"`
	By      []Statement    `json:"by,omitempty"`
	Grants  []string       `json:"grants,omitempty"`
	Case    string         `json:"case"`           // a case line that is allowed so
	Note    string         `json:"note,omitempty"` // what the line cannot say
}

// A Term is one condition on the request, or its contrary.
type Term struct {
	Text     string   `json:"text"` // "kms:EncryptionContext:dept is finance"
	Key      string   `json:"key,omitempty"`
	Operator string   `json:"operator,omitempty"`
	Values   []string `json:"values,omitempty"`
	Holds    bool     `json:"holds"` // else its contrary must be so
	Policy   string   `json:"policy,omitempty"`
	Sid      string   `json:"sid,omitempty"`
	Path     string   `json:"path,omitempty"` // of the condition's statement
}

// text is the way in words; empty if it has no conditions.
func (w Way) text() string {
	texts := make([]string, len(w.When))
	for i, t := range w.When {
		texts[i] = t.Text
	}
	return strings.Join(texts, " and ")
}

// through says what allows, in words.
func (w Way) through() string {
	switch {
	case len(w.Grants) > 0:
		return "grant " + strings.Join(w.Grants, ", ")
	case w.Through == decision.LayerIdentity:
		return "IAM " + named(slices.DeleteFunc(slices.Clone(w.By), func(s Statement) bool { return s.Layer != decision.LayerIdentity }))
	case w.Through == decision.LayerRoot:
		return "root user"
	}
	direct := slices.DeleteFunc(slices.Clone(w.By), func(s Statement) bool { return slices.Equal(s.Via, []decision.Via{decision.ViaAccount}) })
	if len(direct) == 0 {
		direct = w.By
	}
	return "key policy " + named(direct)
}

// MarshalJSON writes a table without rows as one that has an empty list.
func (t Table) MarshalJSON() ([]byte, error) {
	type plain Table
	if t.Rows == nil {
		t.Rows = []Access{}
	}
	return json.Marshal(plain(t))
}
