package decision

import (
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A Rule says which rule of evaluation a question comes under. The zero value
// is invalid.
type Rule int

// The four rules. KeyPolicy is for operations on a key,
// IdentityOnly for operations that no resource policy speaks about, aliases
// included, GrantOnly for RetireGrant, Trust for the role of
// AssumeRole.
const (
	KeyPolicy Rule = iota + 1
	IdentityOnly
	GrantOnly
	Trust
)

// String returns the rule's name in decide.rego.
func (r Rule) String() string {
	switch r {
	case KeyPolicy:
		return "key_policy"
	case IdentityOnly:
		return "identity_only"
	case GrantOnly:
		return "grant"
	case Trust:
		return "trust"
	default:
		return "invalid"
	}
}

// A PrincipalType is a kind of caller, as it stands in input.principal.type.
// The zero value is invalid; an anonymous caller has no type and is refused
// before a question is asked.
type PrincipalType string

// The kinds of callers.
const (
	Root              PrincipalType = "root"
	User              PrincipalType = "user"
	Role              PrincipalType = "role" // a role session
	Federated         PrincipalType = "federated"
	WebIdentity       PrincipalType = "web_identity"
	Service           PrincipalType = "service"
	ServiceLinkedRole PrincipalType = "service_linked_role"
)

// A Via says by what a statement or a grant matched the caller.
type Via string

// The ways to match. ViaPolicy is that of policies without a Principal.
const (
	ViaEveryone Via = "everyone"
	ViaAccount  Via = "account"
	ViaUser     Via = "user"
	ViaRole     Via = "role"
	ViaSession  Via = "session"
	ViaService  Via = "service"
	ViaProvider Via = "provider"
	ViaPolicy   Via = "policy"
)

var vias = []Via{ViaEveryone, ViaAccount, ViaUser, ViaRole, ViaSession, ViaService, ViaProvider, ViaPolicy}

// A Question is one permission check: may this caller do this to that. It is
// plain data and is not changed by Decide.
//
// In every layer nil means that nothing is attached, which differs from a
// layer that is attached and empty: an empty SCP level or an empty list of
// session policies allows nothing.
type Question struct {
	Rule      Rule
	Action    string // canonical spelling: "kms:Decrypt", "sts:AssumeRole"
	Resource  Resource
	Principal Principal

	// Context holds the condition keys by lower-cased name; no list is empty.
	// Keys that tell of the resource's account (aws:ResourceAccount,
	// aws:ResourceOrgID, aws:ResourceOrgPaths) must be given also when the
	// key does not exist; keys that tell of the key itself cannot be.
	Context map[string][]string
	// EncryptionContext is what grant constraints are held against: the
	// pairs as sent, case and all. Absent and empty are equal.
	EncryptionContext map[string]string

	Identity []Policy   // of the caller: own, groups', role's
	Boundary *Policy    // permissions boundary
	Session  []Policy   // session policies; nil: a session without any
	SCP      [][]Policy // a level each for root, OUs and account; nil: no organization
	RCP      [][]Policy // the same for the resource's account
	Endpoint *Policy    // policy of the VPC endpoint that the call came through
	// KeyPolicy is the policy of the resource: the key's, or the role's trust
	// policy. Nil: the resource does not exist.
	KeyPolicy *Policy

	// Grants are the candidates: under KeyPolicy those on the key that may
	// fit the caller, under GrantOnly the grant to be retired.
	Grants []Grant
	// Child is what a CreateGrant asks for. A grant that allows CreateGrant
	// allows only what A-53 says, so without Child it allows none.
	Child *Child

	// Unguarded: guardrails do not take part. It is for questions about what
	// policies say, such as the lockout check, and not for calls.
	Unguarded bool

	// CrossAccountPossible tells whether the permissions table says that the
	// action can be used across accounts.
	CrossAccountPossible bool

	guardrails *guardrails // of the moment in which it was asked
}

// A Resource is what the question is about.
type Resource struct {
	ARN        string // as policies see it; where the operation names none "*", or arn:…:kms:REGION:ACCOUNT:*
	Account    string // owner; for "*" the caller's own account
	OrgID      string // organization of the owner; empty: none
	Management bool   // the owner is its organization's management account
	AWSManaged bool   // an AWS managed key
}

// A Principal is the caller. Its fields match those of input.principal, where
// unique ids stand for users and roles.
type Principal struct {
	Type     PrincipalType
	Account  string   // empty for a service
	User     string   // unique id of the user, or of a federated user's parent
	Role     string   // unique id of the role
	Session  string   // "<role id>:<session name>" or "<account>:<federated name>"
	Services []string // names of the service principal, the one it acts as first
	Provider string   // identity provider of a web identity session

	ARN        string // for people; a service's name where it has no ARN
	OrgID      string // organization of the account; empty: none
	Management bool   // the account is its organization's management account
}

// A Policy is a document with where it comes from. Documents are immutable
// and may be shared by any number of questions.
type Policy struct {
	Name, ARN string // ARN is empty for an inline policy
	Owner     string // account that the policy belongs to
	Document  *policy.Document
	// Principals maps principal ARNs in the document to the unique ids that
	// they had when the document was stored, in the vocabulary of
	// input.principal. An ARN without an entry stands for itself and
	// so matches nobody who has a unique id.
	Principals map[string]string
}

// A Party is the grantee or the retiring principal of a grant, in the
// vocabulary of input.principal. The zero value stands for nobody.
type Party struct {
	Via Via // ViaUser, ViaRole, ViaSession, ViaAccount or ViaService
	ID  string
}

// A Grant is a grant on the key.
type Grant struct {
	ID         string
	Grantee    Party
	Retiree    Party    // zero: no retiring principal
	Operations []string // as in the API: "Decrypt", "ReEncryptFrom"
	// Equals and Subset are the constraints; nil: none. An Equals that is
	// empty but not nil asks for a request without encryption context.
	Equals, Subset map[string]string
	IssuingAccount string // in which the grant was created
	FromToken      bool   // found by a grant token of the request
}

// A Child is the grant that a CreateGrant asks for.
type Child struct {
	Operations     []string
	Equals, Subset map[string]string
}
