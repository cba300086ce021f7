package identity

import (
	"time"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/engine/world"
)

// Credentials are what a request claims to be signed with. They say nothing
// of the caller until the signature was verified with Secret.
type Credentials struct {
	AccessKeyID string
	Secret      seal.Secret

	key   world.AccessKey
	world *world.World
}

// invalidToken is what a caller hears whose credentials do not exist, are not
// active, or do not belong together.
func invalidToken() *wire.Error {
	return wire.Errorf(wire.UnrecognizedClient, "The security token included in the request is invalid.")
}

func expiredToken() *wire.Error {
	return wire.Errorf(wire.ExpiredToken, "The security token included in the request is expired")
}

// Find looks up an access key of the world. A request with a session token
// cannot be answered by it.
func Find(w *world.World, accessKeyID string) (Credentials, *wire.Error) {
	k, ok := w.AccessKey(accessKeyID)
	if !ok || !k.Active {
		return Credentials{}, invalidToken()
	}
	return Credentials{AccessKeyID: k.ID, Secret: k.Secret, key: k, world: w}, nil
}

// Caller says who signed. Call it when the signature is known to be right.
func (c Credentials) Caller(now time.Time) (Caller, *wire.Error) {
	return listed(c.world, c.key)
}

// listed is the caller behind credentials that the world lists.
func listed(w *world.World, k world.AccessKey) (Caller, *wire.Error) {
	c := Caller{Account: k.Account, AccessKeyID: k.ID, world: w}
	switch {
	case k.Root:
		c.root()
	case k.User != nil:
		c.user(k.User)
	case k.Federated != nil:
		c.federated(k.Federated)
	case k.Identity != nil:
		c.webIdentity(k.Identity)
	default:
		return Caller{}, invalidToken()
	}
	return c, nil
}

func (c *Caller) root() {
	c.Type = decision.Root
	c.ID = c.Account
	c.ARN = "arn:" + c.world.Partition() + ":iam::" + c.Account + ":root"
}

func (c *Caller) user(u *world.User) {
	c.Type, c.User = decision.User, u
	c.ID, c.Name, c.ARN = u.ID, u.Name, u.ARN
}

// A federated user to whom no session policy was passed has an empty one: it
// may do only what a resource policy says to the session itself (STS API,
// GetFederationToken).
func (c *Caller) federated(f *world.FederatedUser) {
	c.Type, c.User = decision.Federated, f.Parent
	c.ID, c.Name, c.ARN = f.Account+":"+f.Name, f.Name, f.ARN
	c.Session = &Session{Issued: f.Issued, Tags: f.Tags, Policies: convert(f.Account, f.Session)}
}

func (c *Caller) webIdentity(i *world.WebIdentity) {
	c.Type, c.Role = decision.WebIdentity, i.Role
	c.ID, c.Name, c.ARN = i.Role.ID+":"+i.Name, i.Name, i.ARN
	c.Session = &Session{
		Issued: i.Issued, Tags: i.Tags, SourceIdentity: i.SourceIdentity, Provider: i.Provider,
		Policies: sessionPolicies(i.Account, i.Session),
	}
}

// sessionPolicies keeps the difference between none passed and an empty list.
func sessionPolicies(owner string, list []*world.Policy) []decision.Policy {
	if list == nil {
		return nil
	}
	return convert(owner, list)
}
