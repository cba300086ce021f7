package decision

// Evidence is the account of a decision. Its JSON is stable; README.md
// documents it.
type Evidence struct {
	Version   int             `json:"version"` // 1
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

// A LayerEvidence tells what one layer said.
type LayerEvidence struct {
	Layer Layer `json:"layer"`
	// Said is "deny", "allow", "nothing", "not attached" or "exempt" (the
	// layer does not bind this call), for the caller also "hidden".
	Said       string      `json:"said"`
	Statements []Statement `json:"statements"` // every one that matched
}

// A NearestMiss is the statement that came closest to allowing: all of it
// matched but for one condition.
type NearestMiss struct {
	Statement Statement `json:"statement"`
	Condition string    `json:"condition"` // operator and key as written
	Path      string    `json:"path"`      // JSON path of the condition
	Line      int       `json:"line"`
	Wanted    []string  `json:"wanted"`
	Actual    []string  `json:"actual"` // empty: the key is absent from the request
}
