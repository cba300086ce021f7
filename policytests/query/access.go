package query

import "github.com/keyreeve/keyreeve/engine/decision"

// A Table is who can do what, or what somebody can do, exhaustively. Its JSON
// is stable.
type Table struct {
	Version int      `json:"version"`
	Rows    []Access `json:"rows"` // by principal, resource and action
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
	Principal string `json:"principal"` // as case lines name it
	ARN       string `json:"arn,omitempty"`
	Action    string `json:"action"`
	Resource  string `json:"resource"` // as case lines name it
	// Anyone: the principal stands for all that nothing names.
	Anyone  bool    `json:"anyone,omitempty"`
	Verdict Verdict `json:"verdict"`
	// Ways are the distinct minimal sets of conditions under which it is
	// allowed; one without conditions for Always.
	Ways []Way `json:"ways,omitempty"`
	// Why says what could not be decided, or why it is never allowed.
	Why string `json:"why,omitempty"`
}

// A Way is a set of conditions that together allow.
type Way struct {
	When []Term `json:"when"`
	// Through is what then allows.
	Through decision.Layer `json:"through"`
	By      []Statement    `json:"by,omitempty"`
	Grants  []string       `json:"grants,omitempty"`
	Case    string         `json:"case"` // a line of a request that is allowed so
}

// A Term is one condition on the request: its key stands, or does not stand,
// to the values as the operator says.
type Term struct {
	Text     string   `json:"text"` // "kms:EncryptionContext:dept is finance"
	Key      string   `json:"key"`
	Operator string   `json:"operator"`
	Values   []string `json:"values"`
	Holds    bool     `json:"holds"`
}
