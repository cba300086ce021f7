package decision

import "strings"

// layerText names a layer in the sentence of a refusal.
type layerText struct {
	denied  string // what an explicit deny stands in
	allowed string // what would have allowed, but none does
	arn     bool   // an explicit deny names the policy
}

var layerTexts = map[Layer]layerText{
	LayerGuardrail: {"a guardrail", "", false},
	LayerSCP:       {"a service control policy", "no service control policy allows", true},
	LayerRCP:       {"a resource control policy", "", true},
	LayerEndpoint:  {"a VPC endpoint policy", "no VPC endpoint policy allows", false},
	LayerBoundary:  {"a permissions boundary", "no permissions boundary allows", true},
	LayerSession:   {"a session policy", "no session policy allows", true},
	LayerIdentity:  {"an identity-based policy", "no identity-based policy allows", true},
	LayerResource:  {"a resource-based policy", "no resource-based policy allows", false},
}

// opaqueReason is all that is told of another account's side.
const opaqueReason = "the resource does not exist in this Region, no resource-based policies allow access, " +
	"or a resource-based policy explicitly denies access"

// none tells whether the operation names no resource: "*", or all of the
// account's in the Region.
func (r Resource) none() bool { return r.ARN == "*" || strings.HasSuffix(r.ARN, ":*") }

// Sentence returns the text of the AccessDeniedException for a refusal
// which holds nothing that A-20 keeps from the caller. It is
// empty for a decision that allows.
func (d Decision) Sentence() string {
	if d.Allowed || d.seen == nil {
		return ""
	}
	q, out := d.seen.question, d.seen.outcome
	var b strings.Builder
	b.WriteString("User: " + q.Principal.ARN + " is not authorized to perform: " + q.Action)
	if !q.Resource.none() {
		b.WriteString(" on resource: " + q.Resource.ARN)
	}
	text := layerTexts[out.layer]
	switch {
	case out.reason == ExplicitDeny:
		b.WriteString(" with an explicit deny in " + text.denied)
		if arn := d.seen.deniedBy(); arn != "" && text.arn {
			b.WriteString(": " + arn)
		}
		if out.layer == LayerGuardrail {
			b.WriteString(": " + d.seen.attachments.refusal.sentence())
		}
	case out.layer == LayerResource && (d.seen.hidden[resourceLayer] || out.reason == CrossAccount):
		b.WriteString(" because " + opaqueReason)
	default:
		b.WriteString(" because " + text.allowed + " the " + q.Action + " action")
	}
	return b.String()
}
