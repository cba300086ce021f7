package decision

import "log/slog"

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
	// LayerGuardrail is the organization's own Rego, before all others.
	LayerGuardrail Layer = "guardrail"
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

// A Decision is the answer to a question. The zero value is a refusal. It is
// immutable and safe for concurrent use.
type Decision struct {
	Allowed bool
	Reason  Reason
	Layer   Layer    // what settled it
	Grants  []string // ids of the grants that allowed, sorted

	full *account // all of it
	seen *account // what the caller's account may see
}

// Evidence returns the whole account of the decision. It is for the operator
// only: it tells what other accounts hold.
func (d Decision) Evidence() Evidence {
	if d.full == nil {
		return Evidence{}
	}
	return d.full.evidence()
}

// LogValue is the evidence, worked out only if a handler wants it.
func (d Decision) LogValue() slog.Value { return slog.AnyValue(d.Evidence()) }

// Question returns what was decided. It must not be changed.
func (d Decision) Question() Question {
	if d.full == nil {
		return Question{}
	}
	return *d.full.question
}

// CallerView returns what the caller's account may see of the decision
// the layers of its own account and organization. The key's side of
// another account is one opaque result, the same whether the key is absent,
// does not allow or denies. For the caller, a refusal may have another reason
// than for the operator.
func (d Decision) CallerView() Evidence {
	if d.seen == nil {
		return Evidence{}
	}
	return d.seen.evidence()
}

// A Statement names one matching statement of one policy.
type Statement struct {
	Layer  Layer  `json:"layer"`
	Level  int    `json:"level"`            // SCP and RCP: 0 is the root; else 0
	Policy string `json:"policy,omitempty"` // name
	ARN    string `json:"arn,omitempty"`
	Sid    string `json:"sid,omitempty"`
	Reason string `json:"reason,omitempty"` // of a guardrail
	Effect string `json:"effect"`           // Allow or Deny
	Index  int    `json:"index"`            // of the statement in its document
	Path   string `json:"path"`             // JSON path of the statement
	Line   int    `json:"line"`
	Via    []Via  `json:"via"` // by what it matched the caller
}
