package decision

// EvidenceVersion is the version of the form of Evidence in JSON.
const EvidenceVersion = 1

// Evidence is the account of a decision. Its JSON is stable; README.md
// documents it.
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
	Layers    []LayerEvidence `json:"layers"` // in the order of A-10
	Nearest   *NearestMiss    `json:"nearestMiss,omitempty"`
}

// A LayerEvidence tells what one level of a layer said. SCPs and RCPs have a
// level for the root, for each OU and for the account; other layers have one.
type LayerEvidence struct {
	Layer      Layer       `json:"layer"`
	Level      int         `json:"level"`
	Said       string      `json:"said"`
	Statements []Statement `json:"statements"` // every one that matched; denies first in each policy
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
}
