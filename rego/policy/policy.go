// Package policy reads policy documents: JSON text becomes a checked, immutable Document whose every part knows its
// position, spoken in a vocabulary of actions, condition keys and operators.
package policy

// A Document is one policy. It is immutable: whoever holds it may share it
// between goroutines, and nobody may change its slices.
type Document struct {
	Kind Kind
	// Version of the policy language in force: Version2012 or Version2008. A
	// document without one means Version2008.
	Version    string
	ID         string
	Statements []Statement
	// Text is the document as it was given.
	Text string
}

// The versions of the policy language. Under Version2008, `${…}` is plain text
//
const (
	Version2008 = "2008-10-17"
	Version2012 = "2012-10-17"
)

// A Statement allows or denies actions on resources to principals under
// conditions.
//
// Principals is empty in the kinds that have no Principal (Kind.HasPrincipal).
// A Key statement may lack both Resource and NotResource; it then matches
// nothing (Guide, Key policies), and HasResource tells so. Trust statements
// never have one and match all the same.
type Statement struct {
	Index        int
	Sid          string
	Effect       Effect
	Principals   []Principal
	NotPrincipal bool
	Actions      []Value
	NotAction    bool
	Resources    []Value
	NotResource  bool
	HasResource  bool
	Conditions   []Condition
	Pos          Pos
}

// Effect of a statement. The zero value is invalid.
type Effect int

// The effects.
const (
	Allow Effect = iota + 1
	Deny
)

// String gives the spelling that policies use.
func (e Effect) String() string {
	switch e {
	case Allow:
		return "Allow"
	case Deny:
		return "Deny"
	default:
		return "invalid effect"
	}
}

// A Principal is one entry of a Principal or NotPrincipal element.
type Principal struct {
	Type PrincipalType
	// Text is the entry as written: an ARN, an account id, a service name, a
	// provider, a canonical user id, or "*".
	Text string
	// Account owns the principal; empty for Everyone, Service, CanonicalUser
	// and providers that are no ARN.
	Account string
	Pos     Pos
}

// PrincipalType tells the forms of A-31 apart. The zero value is invalid.
type PrincipalType int

// The types of principals. A-31: an account id and the ARN of its root are the
// same Account; a Role stands for all its sessions.
const (
	Everyone PrincipalType = iota + 1
	Account
	User
	Role
	RoleSession
	FederatedUser
	Service
	Federated
	CanonicalUser
)

var principalTypeNames = [...]string{"invalid principal type", "everyone", "account", "user", "role", "role session",
	"federated user", "service", "federated", "canonical user"}

// String names the type in lower-case words.
func (t PrincipalType) String() string {
	if t < Everyone || t > CanonicalUser {
		return principalTypeNames[0]
	}
	return principalTypeNames[t]
}

// A Condition is one key under one operator: it holds when the values of the
// key in the request stand to Values as the operator says.
type Condition struct {
	Set SetQualifier
	// Operator in its canonical spelling without qualifier and suffix:
	// "StringEquals"; see Operators.
	Operator string
	IfExists bool
	// Key in lower case, KeyText as written.
	Key     string
	KeyText string
	Values  []Value
	Pos     Pos
}

// OperatorText is the operator with qualifier and suffix in its canonical
// spelling: "ForAnyValue:StringEqualsIfExists".
func (c Condition) OperatorText() string {
	text := c.Operator
	if c.Set != NoQualifier {
		text = c.Set.String() + ":" + text
	}
	if c.IfExists {
		text += "IfExists"
	}
	return text
}

// SetQualifier is the set operator before a condition operator.
type SetQualifier int

// The set qualifiers.
const (
	NoQualifier SetQualifier = iota
	ForAnyValue
	ForAllValues
)

// String gives the spelling that policies use, empty without qualifier.
func (q SetQualifier) String() string {
	switch q {
	case ForAnyValue:
		return "ForAnyValue"
	case ForAllValues:
		return "ForAllValues"
	default:
		return ""
	}
}

// A Value is one string of an Action, Resource or condition.
type Value struct {
	// Text is the string as written (a JSON number or boolean is its literal).
	Text string
	// Parts is Text taken apart as its place demands: wildcards only where
	// they are patterns, variables only where they are replaced. Adjacent
	// literals are one Part; the empty string has no Parts.
	Parts []Part
	Pos   Pos
}

// Literal returns the text that v stands for when it has neither wildcards nor
// variables. It differs from Text where ${*}, ${?} or ${$} were written.
func (v Value) Literal() (string, bool) {
	switch {
	case len(v.Parts) == 0:
		return "", true
	case len(v.Parts) == 1 && v.Parts[0].Kind == Literal:
		return v.Parts[0].Text, true
	default:
		return "", false
	}
}

// HasVariable tells whether v holds a policy variable.
func (v Value) HasVariable() bool {
	for _, p := range v.Parts {
		if p.Kind == Variable {
			return true
		}
	}
	return false
}

// A Part is a stretch of a Value.
type Part struct {
	Kind PartKind
	// Text of a Literal; the lower-case condition key of a Variable.
	Text string
	// Default of a Variable, used when the key is absent, if HasDefault.
	Default    string
	HasDefault bool
}

// PartKind tells what a Part matches. The zero value is invalid.
type PartKind int

// The kinds of parts: literal text, any text (`*`), any one character (`?`),
// and the value of a condition key (`${key}`), which is never a pattern.
const (
	Literal PartKind = iota + 1
	AnyText
	AnyChar
	Variable
)

// A Pos is a place in a document's text.
type Pos struct {
	// Path in JSON path notation: $.Statement[0].Action[1]. Names beyond 128
	// bytes are cut short there.
	Path string
	// Line and Column count from 1, columns in characters; Offset counts
	// bytes from 0.
	Line, Column, Offset int
}
