// Package identity says who the caller of a request is and which policies are
// attached to it.
package identity

import (
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/world"
)

// A Caller is an authenticated principal, as the world of its request has it.
// It is plain data, and holds no secret.
type Caller struct {
	Type    decision.PrincipalType
	Account string
	// ARN to print: of the user, the role session, the federated user, or the
	// root user.
	ARN string
	// ID is aws:userid and the principalId of audit events: the user's unique
	// id, "<role id>:<session>", "<account>:<federated name>", or the account.
	ID          string
	Name        string // of the user; the role session; the federated user; empty for root
	AccessKeyID string

	User *world.User // the user, or the parent of a federated user
	Role *world.Role // of a role session or web identity

	// Service is the integrated service that signed the call: the caller
	// itself, or on the caller's behalf. Nil for all other calls.
	Service *ServiceCall

	// Session is what temporary credentials carry; nil for an access key of
	// a user or of root.
	Session *Session

	world *world.World
	fixed *fixed // nil: nobody has kept it
}

// Principal is the caller as decisions know it.
func (c Caller) Principal() decision.Principal {
	p := decision.Principal{Type: c.Type, Account: c.Account, ARN: c.ARN}
	if c.User != nil {
		p.User = c.User.ID
	}
	if c.Role != nil {
		p.Role = c.Role.ID
	}
	switch c.Type {
	case decision.Role, decision.WebIdentity, decision.ServiceLinkedRole, decision.Federated:
		p.Session = c.ID
	}
	if c.Session != nil {
		p.Provider = c.Session.Provider
	}
	if c.Type == decision.Service {
		p.Services = c.Service.Service.Names(c.Service.Region)
	}
	if o := c.world.Organization(); o.Unit(c.Account) != nil {
		p.OrgID = o.ID
		p.Management = o.Management == c.Account
	}
	return p
}

// PrincipalARN is the ARN that policies and aws:PrincipalArn have: for a role
// session that of the role.
func (c Caller) PrincipalARN() string {
	if c.Role != nil {
		return c.Role.ARN
	}
	return c.ARN
}

// FirstKeyID is the long-term access key at the beginning of the chain of
// sessions: what a new session names as its parent.
func (c Caller) FirstKeyID() string {
	if c.Session != nil && c.Session.ParentKeyID != "" {
		return c.Session.ParentKeyID
	}
	return c.AccessKeyID
}
