package oracle

import (
	"slices"

	"github.com/keyreeve/keyreeve/engine/decision"
)

// A layer is a kind of policy as it stands to the question.
type layer struct {
	name     decision.Layer
	attached bool // nil is not attached: it does not limit
	binds    bool // some layers do not bind some callers or keys
	levels   [][]decision.Policy
}

// layersOf lists the layers in the order of A-10. A federated session has what
// its session policies allow of the user's permissions, and without one
// nothing (IAM User Guide, GetFederationToken).
func layersOf(q *decision.Question) []layer {
	one := func(p *decision.Policy) [][]decision.Policy {
		if p == nil {
			return nil
		}
		return [][]decision.Policy{{*p}}
	}
	return []layer{
		{decision.LayerSCP, q.SCP != nil, bindsSCP(q), q.SCP},
		{decision.LayerRCP, q.RCP != nil, bindsRCP(q), q.RCP},
		{decision.LayerEndpoint, q.Endpoint != nil, true, one(q.Endpoint)},
		{decision.LayerBoundary, q.Boundary != nil, true, one(q.Boundary)},
		{decision.LayerSession, q.Session != nil || q.Principal.Type == decision.Federated, true, [][]decision.Policy{q.Session}},
		{decision.LayerIdentity, true, true, [][]decision.Policy{q.Identity}},
		{decision.LayerResource, q.KeyPolicy != nil, bindsKeyPolicy(q), one(q.KeyPolicy)},
	}
}

// bindsSCP: A-11, not for service-linked roles, AWS services, or the
// management account.
func bindsSCP(q *decision.Question) bool {
	switch q.Principal.Type {
	case decision.ServiceLinkedRole, decision.Service:
		return false
	default:
		return !q.Principal.Management
	}
}

// bindsRCP: A-11, not for keys of the management account, service-linked
// roles, AWS managed keys, or kms:RetireGrant; but for AWS services.
func bindsRCP(q *decision.Question) bool {
	return !q.Resource.Management && q.Principal.Type != decision.ServiceLinkedRole && !q.Resource.AWSManaged &&
		q.Action != "kms:RetireGrant"
}

// bindsKeyPolicy: A-17, a key policy has no say in RetireGrant; A-16, nor in
// operations with IAM policy only.
func bindsKeyPolicy(q *decision.Question) bool {
	return q.Rule == decision.KeyPolicy || q.Rule == decision.Trust
}

// permits tells whether a layer that can only limit lets the request pass:
// each level must allow, unless none is attached or the layer does not bind.
// Attached without a level, it allows nothing.
func (s *spoken) permits() bool {
	if !s.attached || !s.binds {
		return true
	}
	return len(s.allows) > 0 && !slices.Contains(s.allows, false)
}
