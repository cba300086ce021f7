package decision

// A Layer is a kind of policy that takes part in a decision.
type Layer string

// The layers, in the order of A-10. LayerResource is the key policy or the
// trust policy; LayerGrant and LayerRoot settle, and hold no policies.
const (
	LayerSCP      Layer = "scp"
	LayerRCP      Layer = "rcp"
	LayerEndpoint Layer = "endpoint"
	LayerBoundary Layer = "boundary"
	LayerSession  Layer = "session"
	LayerIdentity Layer = "identity"
	LayerResource Layer = "resource"
	LayerGrant    Layer = "grant"
	LayerRoot     Layer = "root"
)

// A Reason is a stable code for why a question was decided as it was.
type Reason string

// The reasons. The layer that goes with ExplicitDeny and NoAllow is the one
// that denied or that lacked an allow. CrossAccount is A-12.
const (
	Allow        Reason = "allow"
	ExplicitDeny Reason = "explicit-deny"
	NoAllow      Reason = "no-allow"
	CrossAccount Reason = "cross-account"
)

// A Decision is the answer to a question. The zero value is a refusal.
type Decision struct {
	Allowed bool
	Reason  Reason
	Layer   Layer // what settled it
	// Statements are the statements that settled it: those that denied, or
	// those that together allowed. Empty when an allow was missing.
	Statements []Statement
	Grants     []string // ids of the grants that allowed, in the question's order
	Evidence   Evidence // all of it, for the operator only
	view       Evidence // what the caller's account may see
}

// A Statement names one matching statement of one policy.
type Statement struct {
	Layer  Layer  `json:"layer"`
	Level  int    `json:"level"`            // SCP and RCP: 0 is the root; else 0
	Policy string `json:"policy,omitempty"` // name
	ARN    string `json:"arn,omitempty"`
	Sid    string `json:"sid,omitempty"`
	Effect string `json:"effect"` // Allow or Deny
	Index  int    `json:"index"`  // of the statement in its document
	Path   string `json:"path"`   // JSON path of the statement
	Line   int    `json:"line"`
	Via    []Via  `json:"via"` // by what it matched the caller
}
