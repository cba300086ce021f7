package query

import (
	"encoding/json"

	"github.com/keyreeve/keyreeve/engine/decision"
)

// A Remedy says what would allow a refused request. Its JSON is stable.
type Remedy struct {
	Version int `json:"version"`
	// Explanation of the decision as it is.
	Explanation Explanation `json:"explanation"`
	// Hard are explicit denies and guardrails: no Allow overrides them.
	Hard []Statement `json:"hard,omitempty"`
	// Proposals are the smallest changes that would allow, all of as many
	// edits; each was applied, and the engine asked again. The best comes first.
	// None for an allowed request.
	Proposals []Proposal `json:"proposals"`
	// Why there is no proposal.
	Why string `json:"why,omitempty"`
}

// A Proposal is one way to have the request allowed.
type Proposal struct {
	Words   string `json:"words"`
	Edits   []Edit `json:"edits"`
	Request string `json:"request"` // the case line that is then allowed
}

// An Op is a kind of edit.
type Op string

// The kinds of edits, from the narrowest to the widest.
const (
	OpRequest       Op = "request"       // the caller asks otherwise
	OpTag           Op = "tag"           // a tag or alias of a principal or key
	OpAction        Op = "add-action"    // to a statement
	OpPrincipal     Op = "add-principal" // to a statement
	OpResource      Op = "add-resource"  // to a statement
	OpValue         Op = "add-value"     // to a condition
	OpGrant         Op = "add-grant"     // to the key
	OpStatement     Op = "add-statement" // to a policy, or in a policy of its own
	OpExcept        Op = "except"        // the caller from a Deny
	OpDropCondition Op = "drop-condition"
	OpDropStatement Op = "drop-statement"
)

// An Edit is one change. Layer and what follows are empty for one of the
// request.
type Edit struct {
	Op    Op     `json:"op"`
	Words string `json:"words"`
	// Clause to add to the request, as case lines have it, or instead of which
	// one; OpRequest only.
	Clause string `json:"clause,omitempty"`

	Layer  decision.Layer `json:"layer,omitempty"`
	Level  int            `json:"level,omitempty"`
	Policy string         `json:"policy,omitempty"` // name; of a policy that does not exist yet, what to call it
	ARN    string         `json:"arn,omitempty"`
	File   string         `json:"file,omitempty"`
	Line   int            `json:"line,omitempty"`
	Path   string         `json:"path,omitempty"` // JSON path of the statement
	// Patch is the change as a JSON Patch (RFC 6902) of the policy; Value is
	// the statement, or grant, as it then is.
	Patch json.RawMessage `json:"patch,omitempty"`
	Value json.RawMessage `json:"value,omitempty"`
}
