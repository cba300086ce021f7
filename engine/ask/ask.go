// Package ask puts the permission checks of a call as questions to be decided.
package ask

import (
	"strings"

	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/identity"
	"github.com/keyreeve/keyreeve/engine/world"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A Call is what is the same for every check of one call.
type Call struct {
	World    *world.World // pinned for the whole call
	Caller   identity.Caller
	Endpoint *world.Endpoint   // that the call came through; nil: none
	Request  condition.Request // without Principal and Endpoint, which follow from those above
}

// A Check is one question that must be answered "yes".
type Check struct {
	Rule     decision.Rule
	Action   string // in its canonical spelling
	Resource Resource
	Side     condition.Side
	Policy   *decision.Policy // of the resource; nil: there is none
	Child    *decision.Child  // the grant that a CreateGrant asks for
	Grants   []decision.Grant // candidates on the key; under GrantOnly the one to be retired
}

// A Resource is what a check is about: a key, an alias, a role, or nothing.
type Resource struct {
	ARN        string         // as it stands in policies; "*" for operations on no resource
	Account    string         // owner; the caller's own for "*"
	Key        *condition.Key // of a key, or of the one that a CreateKey asks for; nil: none, or absent
	AWSManaged bool
}

// Question is a check with all that decides it. What it holds must not be
// changed: another question may hold the same.
func (c Call) Question(k Check) decision.Question {
	row := actions[k.Action]
	attached := c.Caller.Attached()
	return decision.Question{
		Rule: k.Rule, Action: k.Action,
		Resource:          c.asked(k),
		Principal:         c.Caller.Principal(),
		Context:           c.context(k, row),
		EncryptionContext: k.Side.EncryptionContext,
		Identity:          attached.Identity, Boundary: attached.Boundary, Session: attached.Session,
		SCP: attached.SCP, RCP: identity.Guardrails(c.World, k.Resource.Account),
		Endpoint: c.endpointPolicy(), KeyPolicy: k.Policy, Grants: k.Grants, Child: k.Child,
		CrossAccountPossible: row.crossAccount,
	}
}

// asked is the resource as policies see it. Operations of the service that name
// none are about all of the account's in the Region: Guide, "AWS KMS
// permissions", resources, lets policies say so or "*".
func (c Call) asked(k Check) decision.Resource {
	r := c.resource(k.Resource)
	if r.ARN == "*" && strings.HasPrefix(k.Action, "kms:") {
		r.ARN = "arn:" + c.World.Partition() + ":kms:" + c.Request.Region + ":" + r.Account + ":*"
	}
	return r
}

// resource adds to a resource where its owner stands in the organization.
func (c Call) resource(r Resource) decision.Resource {
	out := decision.Resource{ARN: r.ARN, Account: r.Account, AWSManaged: r.AWSManaged}
	if o := c.World.Organization(); o.Unit(r.Account) != nil {
		out.OrgID, out.Management = o.ID, o.Management == r.Account
	}
	return out
}

// endpointPolicy is nil without an endpoint, and for one that allows all.
func (c Call) endpointPolicy() *decision.Policy {
	if c.Endpoint == nil || c.Endpoint.Policy == nil {
		return nil
	}
	p := identity.Policy(c.Endpoint.Account, c.Endpoint.Policy)
	return &p
}

// context is the condition keys of a check. Those that tell of the account are
// there also for a key that does not exist.
func (c Call) context(k Check, row action) condition.Context {
	r := c.Request
	r.Principal, r.Memo = c.Caller.Keys(r.Now), c.Caller.Memo()
	if c.Endpoint != nil {
		r.Endpoint = condition.Endpoint{ID: c.Endpoint.ID, VPC: c.Endpoint.VPC}
	}
	facts := condition.Resource{Key: k.Resource.Key}
	if k.Resource.ARN != "*" {
		facts.Account = k.Resource.Account
		facts.OrgPath = c.World.Organization().Path(facts.Account)
		facts.OrgID = c.resource(k.Resource).OrgID
	}
	keys := row.keysOf(k).Build(r, k.Side, facts)
	if c.Caller.Type == decision.Service {
		delete(keys, "aws:sourceip") // a service as itself has no address that policies could know, and no Memo
	}
	return keys
}

// An action is what checks take from its row.
type action struct {
	crossAccount bool
	vocabulary   *condition.Vocabulary
}

// actions are the rows by their canonical names. That of an unknown one is zero.
var actions = func() map[string]action {
	all := make(map[string]action, len(policy.Actions))
	for _, a := range policy.Actions {
		all[a.Name] = action{crossAccount: a.CrossAccount, vocabulary: condition.NewVocabulary(a.ConditionKeys, defaults[a.Name])}
	}
	return all
}()

// keysOf says which keys of the service a check can have: those of its
// action on a key, none on an alias (ALS-29).
func (a action) keysOf(k Check) *condition.Vocabulary {
	if a.vocabulary == nil || k.Rule == decision.IdentityOnly && k.Resource.ARN != "*" {
		return &nothing
	}
	return a.vocabulary
}

var nothing condition.Vocabulary
