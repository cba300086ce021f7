package identity

import (
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/sts"
	"github.com/keyreeve/keyreeve/engine/wire"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A Session is what temporary credentials carry. All that is not in it
// is as the world has it now.
type Session struct {
	Issued         time.Time // zero: not said
	Expires        time.Time // zero: the world lists the credentials
	Tags           map[string]string
	TransitiveTags []string // keys of Tags that pass on to chained sessions
	SourceIdentity string
	Provider       string    // identity provider, of a web identity
	Subject        string    // whom the provider has identified; may be empty
	MFATime        time.Time // when MFA was proved; zero without
	ParentKeyID    string    // long-term access key at the beginning of the chain; empty where the world lists the session

	// Policies are the session policies. Nil means that none is attached.
	Policies []decision.Policy
}

// session is the caller behind a session token. Its principal and the access
// key that it began with must still be there, and the same.
func (c Credentials) session() (Caller, *wire.Error) {
	s := c.token
	caller := Caller{AccessKeyID: s.AccessKeyID, world: c.world, Session: &Session{
		Issued: s.IssuedAt, Expires: s.Expires, Tags: s.Tags, TransitiveTags: s.TransitiveTags,
		SourceIdentity: s.SourceIdentity, ParentKeyID: s.ParentKeyID,
	}}
	parent, ok := c.world.AccessKey(s.ParentKeyID)
	if !ok || !parent.Active {
		return Caller{}, invalidToken()
	}
	if !caller.rolePlayer(s) && !caller.itself(s, parent) {
		return Caller{}, invalidToken()
	}
	policies, ok := attachedToSession(c.world, caller.Account, s)
	if !ok {
		return Caller{}, invalidToken()
	}
	caller.Session.Policies = policies
	return caller, nil
}

// rolePlayer makes c the caller behind a session of AssumeRole.
func (c *Caller) rolePlayer(s *sts.Session) bool {
	p, _ := c.world.PrincipalByID(s.PrincipalID)
	role, ok := p.(*world.Role)
	if !ok || s.Name == "" {
		return false
	}
	c.role(role, s.Name)
	return true
}

// role makes c a session of a role.
func (c *Caller) role(r *world.Role, session string) {
	c.Type, c.Account, c.Role = decision.Role, r.Account, r
	if r.ServiceLinked {
		c.Type = decision.ServiceLinkedRole
	}
	c.ID, c.Name = r.ID+":"+session, session
	c.ARN = "arn:" + c.world.Partition() + ":sts::" + r.Account + ":assumed-role/" + r.Name + "/" + session
}

// itself makes c the caller behind a session of GetSessionToken, which is the
// user or root user whose access key asked for it. Only here does the session
// tell of MFA: that of AssumeRole does not pass on to the role (STS API).
func (c *Caller) itself(s *sts.Session, parent world.AccessKey) bool {
	if s.Name != "" {
		return false
	}
	c.Account = parent.Account
	switch {
	case parent.User != nil && parent.User.ID == s.PrincipalID:
		c.user(parent.User)
	case parent.Root && parent.Account == s.PrincipalID:
		c.root()
	default:
		return false
	}
	if s.MFASerial != "" {
		c.Session.MFATime = s.MFATime
	}
	return true
}

// attachedToSession reads the session policies of a token. A managed one is as
// it is now; if it is gone, nobody knows what it would have limited, and the
// session ends.
func attachedToSession(w *world.World, account string, s *sts.Session) (list []decision.Policy, ok bool) {
	if s.Policies == nil && s.PolicyARNs == nil {
		return nil, true
	}
	list = []decision.Policy{}
	for _, text := range s.Policies {
		document, err := policy.Parse(policy.Session, []byte(text))
		if err != nil {
			return nil, false
		}
		list = append(list, decision.Policy{Name: "session", Owner: account, Document: document})
	}
	for _, arn := range s.PolicyARNs {
		p, known := SessionPolicy(w, account, arn)
		if !known {
			return nil, false
		}
		list = append(list, p)
	}
	return list, true
}

// SessionPolicy finds a managed policy that a session of an account can bring
// as a session policy: one of the account's own, or of the partition.
func SessionPolicy(w *world.World, account, arn string) (decision.Policy, bool) {
	p, known := w.ManagedPolicy(arn)
	if !known || p.Account != "" && p.Account != account {
		return decision.Policy{}, false
	}
	d := Policy(account, p)
	document := *p.Document
	document.Kind = policy.Session
	d.Document = &document
	return d, true
}

// AccountOf takes the account out of an ARN; empty if there is none.
func AccountOf(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return ""
	}
	return parts[4]
}
