package world

import (
	"time"

	"github.com/keyreeve/keyreeve/crypto/seal"
)

// An Account owns principals, policies and keys. Its lists are sorted by name.
type Account struct {
	ID      string // 12 digits
	Name    string // alias, may be empty
	Regions []string

	RootKeys   []AccessKey
	Users      []*User
	Groups     []*Group
	Roles      []*Role
	Managed    []*Policy // customer managed policies
	Federated  []*FederatedUser
	Identities []*WebIdentity
	Keys       []*Key
}

// RootARN is the ARN of the account's root user, and of the account as a
// principal in policies.
func (a *Account) RootARN(partition string) string {
	return "arn:" + partition + ":iam::" + a.ID + ":root"
}

// A User is an IAM user.
type User struct {
	Account  string
	Name     string
	Path     string // "/" or "/…/"
	ARN      string
	ID       string // unique id: AIDA…
	Tags     map[string]string
	Groups   []*Group
	Inline   []*Policy
	Managed  []*Policy
	Boundary *Policy // nil without one
	Keys     []AccessKey
}

// PrincipalARN is the user's ARN.
func (u *User) PrincipalARN() string { return u.ARN }

// PrincipalID is the user's unique id.
func (u *User) PrincipalID() string { return u.ID }

// A Group gives its policies to its members.
type Group struct {
	Account string
	Name    string
	Path    string
	ARN     string
	Inline  []*Policy
	Managed []*Policy
}

// A Role is an IAM role.
type Role struct {
	Account       string
	Name          string
	Path          string
	ARN           string
	ID            string // unique id: AROA…
	Tags          map[string]string
	Trust         *Policy // never nil
	Inline        []*Policy
	Managed       []*Policy
	Boundary      *Policy // nil without one
	MaxSession    time.Duration
	ServiceLinked bool
}

// PrincipalARN is the role's ARN.
func (r *Role) PrincipalARN() string { return r.ARN }

// PrincipalID is the role's unique id.
func (r *Role) PrincipalID() string { return r.ID }

// A FederatedUser is a session of a user, or of the root user, under a name
// of its own, with credentials that the world lists.
type FederatedUser struct {
	Account string
	Name    string
	ARN     string    // arn:aws:sts::…:federated-user/…
	Parent  *User     // nil: the account's root user
	Session []*Policy // session policies; nil when none was passed
	Tags    map[string]string
	Issued  time.Time
	Keys    []AccessKey
}

// A WebIdentity is a session of a role obtained with a token of an identity
// provider, with credentials that the world lists.
type WebIdentity struct {
	Account        string
	Name           string // session name
	ARN            string // arn:aws:sts::…:assumed-role/…/…
	Role           *Role
	Provider       string
	Subject        string // whom the provider has identified; may be empty
	SourceIdentity string
	Session        []*Policy // session policies; nil when none was passed
	Tags           map[string]string
	Issued         time.Time
	Keys           []AccessKey
}

// An AccessKey is a pair of long-term credentials. Exactly one of Root, User,
// Federated, Identity and Service says whose it is.
type AccessKey struct {
	ID      string
	Secret  seal.Secret
	Active  bool
	Account string // empty for a service

	Root      bool
	User      *User
	Federated *FederatedUser
	Identity  *WebIdentity
	Service   string // service principal
}
