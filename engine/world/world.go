// Package world reads the accounts, principals and policies that decisions
// need, and keeps them as one immutable snapshot.
package world

import (
	"slices"
	"strings"
)

// A World is one consistent snapshot. Nothing reached from it may be changed;
// it is safe for concurrent use.
type World struct {
	partition string
	regions   []string
	digest    string
	settings  Settings
	loose     []string

	accounts   map[string]*Account
	accessKeys map[string]AccessKey
	byARN      map[string]Principal
	byID       map[string]Principal
	managed    map[string]*Policy // all managed policies by ARN

	organization *Organization
	endpoints    []Endpoint
	services     []Service
}

// A Principal is a *User or a *Role.
type Principal interface {
	// PrincipalARN is the ARN in IAM, which policies name.
	PrincipalARN() string
	// PrincipalID is the unique id (AIDA…, AROA…).
	PrincipalID() string
}

// Partition is the partition of all ARNs: aws unless the world says otherwise.
func (w *World) Partition() string { return w.partition }

// Regions lists the Regions that the service runs in, as the world orders
// them. The first is the default one.
func (w *World) Regions() []string { return w.regions }

// Offers tells whether an account may use the service in a Region.
func (w *World) Offers(account, region string) bool {
	a, ok := w.accounts[account]
	return ok && slices.Contains(a.Regions, region)
}

// Digest identifies the content that the world was read from: 64 hexadecimal
// digits, the same for the same files.
func (w *World) Digest() string { return w.digest }

// Unreferenced lists JSON files beside the world that nothing in it refers to.
func (w *World) Unreferenced() []string { return w.loose }

// Account returns the account with a 12-digit id.
func (w *World) Account(id string) (*Account, bool) {
	a, ok := w.accounts[id]
	return a, ok
}

// Accounts lists all accounts by id.
func (w *World) Accounts() []*Account {
	return sortedValues(w.accounts, func(a *Account) string { return a.ID })
}

// AccessKey returns the long-term credentials with an access key id.
func (w *World) AccessKey(id string) (AccessKey, bool) {
	k, ok := w.accessKeys[id]
	return k, ok
}

// Principal returns the user or role with an IAM ARN.
func (w *World) Principal(arn string) (Principal, bool) {
	p, ok := w.byARN[arn]
	return p, ok
}

// PrincipalByID returns the user or role with a unique id.
func (w *World) PrincipalByID(id string) (Principal, bool) {
	p, ok := w.byID[id]
	return p, ok
}

// Principals lists the ARNs of all users and roles. A table of unique ids
// forgets those that are not in it, so that a principal that is removed and
// added again gets a new id.
func (w *World) Principals() []string {
	arns := make([]string, 0, len(w.byARN))
	for arn := range w.byARN {
		arns = append(arns, arn)
	}
	slices.Sort(arns)
	return arns
}

// ManagedPolicy returns a managed policy by its ARN, the partition's own
// (arn:aws:iam::aws:policy/…) included.
func (w *World) ManagedPolicy(arn string) (*Policy, bool) {
	p, ok := w.managed[arn]
	return p, ok
}

// Keys lists the keys that the world describes, by account and name.
func (w *World) Keys() []*Key {
	var all []*Key
	for _, a := range w.Accounts() {
		all = append(all, a.Keys...)
	}
	return all
}

// Organization is the organization of the accounts, nil without one.
func (w *World) Organization() *Organization { return w.organization }

// Endpoints lists the VPC endpoints.
func (w *World) Endpoints() []Endpoint { return w.endpoints }

// Services lists the integrated services.
func (w *World) Services() []Service { return w.services }

func sortedValues[V any](m map[string]V, key func(V) string) []V {
	all := make([]V, 0, len(m))
	for _, v := range m {
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b V) int { return strings.Compare(key(a), key(b)) })
	return all
}
