package identity

import (
	"time"

	"github.com/keyreeve/keyreeve/crypto/seal"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/sts"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/engine/world"
)

// Credentials are what a request claims to be signed with. They say nothing
// of the caller until the signature was verified with Secret.
type Credentials struct {
	AccessKeyID string
	Secret      seal.Secret

	world *world.World
	key   world.AccessKey
	token *sts.Session // nil for credentials that the world lists
}

// Find looks up what a request was signed with: an access key of the world,
// or, with a session token, the session in it. Refusals do not tell a caller
// which part was wrong.
func Find(w *world.World, tokens *sts.Tokens, accessKeyID string, token seal.Secret, now time.Time) (Credentials, *wire.Error) {
	k, listed := w.AccessKey(accessKeyID)
	switch withToken := len(token.Expose()) > 0; {
	case withToken && listed:
		return Credentials{}, invalidToken()
	case withToken:
		s, err := tokens.Open(accessKeyID, token, now)
		if err != nil {
			return Credentials{}, wire.AsError(err)
		}
		return Credentials{AccessKeyID: accessKeyID, Secret: s.SecretKey, world: w, token: &s}, nil
	case listed && k.Active:
		return Credentials{AccessKeyID: accessKeyID, Secret: k.Secret, world: w, key: k}, nil
	default:
		return Credentials{}, invalidToken()
	}
}

// invalidToken is what a caller hears whose credentials do not exist, are not
// active, or do not belong together.
func invalidToken() *wire.Error {
	return wire.Errorf(wire.UnrecognizedClient, "The security token included in the request is invalid.")
}

// Caller says who signed. Call it when the signature is known to be right.
func (c Credentials) Caller() (Caller, *wire.Error) {
	if c.token != nil {
		return c.session()
	}
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
	case k.Service != "" && c.service(k.Service):
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
	c.role(i.Role, i.Name)
	c.Type = decision.WebIdentity
	c.Session = &Session{
		Issued: i.Issued, Tags: i.Tags, SourceIdentity: i.SourceIdentity, Provider: i.Provider, Subject: i.Subject,
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
