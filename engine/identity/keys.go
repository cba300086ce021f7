package identity

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/engine/decision"
)

// principalTypes are the values of aws:PrincipalType.
var principalTypes = map[decision.PrincipalType]string{
	decision.Root:              "Account",
	decision.User:              "User",
	decision.Role:              "AssumedRole",
	decision.Federated:         "FederatedUser",
	decision.WebIdentity:       "AssumedRole",
	decision.ServiceLinkedRole: "AssumedRole",
	decision.Service:           "Service",
}

// Keys holds the condition keys that tell of the caller, by lower-cased name,
// at an instant: the table of A-43. A key that the caller does not have is
// absent. The map must not be changed.
func (c Caller) Keys(now time.Time) map[string][]string {
	if c.fixed != nil {
		return c.fixed.keys
	}
	keys := map[string][]string{
		"aws:principalarn":  {c.PrincipalARN()},
		"aws:principaltype": {principalTypes[c.Type]},
		"aws:userid":        {c.ID},
	}
	if c.Account != "" {
		keys["aws:principalaccount"], keys["kms:calleraccount"] = []string{c.Account}, []string{c.Account}
	}
	if c.Service != nil {
		c.Service.keys(keys, c.world)
	}
	if c.Type == decision.User {
		keys["aws:username"] = []string{c.User.Name}
	}
	for name, value := range c.Tags() {
		keys["aws:principaltag/"+fold(name)] = []string{value}
	}
	if o := c.world.Organization(); o.Unit(c.Account) != nil {
		keys["aws:principalorgid"] = []string{o.ID}
		keys["aws:principalorgpaths"] = []string{o.Path(c.Account)}
	}
	if c.Session != nil {
		c.Session.keys(keys, now)
	}
	return keys
}

func (s *Session) keys(keys map[string][]string, now time.Time) {
	if !s.Issued.IsZero() {
		keys["aws:tokenissuetime"] = []string{s.Issued.UTC().Format(time.RFC3339)}
	}
	mfa := !s.MFATime.IsZero()
	keys["aws:multifactorauthpresent"] = []string{strconv.FormatBool(mfa)}
	if mfa {
		age := now.Sub(s.MFATime) / time.Second
		keys["aws:multifactorauthage"] = []string{strconv.FormatInt(int64(max(age, 0)), 10)}
	}
	if s.SourceIdentity != "" {
		keys["aws:sourceidentity"] = []string{s.SourceIdentity}
	}
	if s.Provider != "" {
		keys["aws:federatedprovider"] = []string{s.Provider}
	}
	if s.Subject != "" {
		keys[strings.ToLower(providerHost(s.Provider))+":sub"] = []string{s.Subject}
	}
}

// providerHost is the name of a provider in its condition keys: that of an
// OpenID Connect provider that IAM knows ends its ARN.
func providerHost(provider string) string {
	_, host, isARN := strings.Cut(provider, ":oidc-provider/")
	if !isARN {
		return provider
	}
	return host
}

// Tags are the principal's tags as policies see them: those of the user or
// role, and those of the session over them. Names are equal in any case, as
// fold has it.
func (c Caller) Tags() map[string]string {
	tags, spelled := map[string]string{}, map[string]string{}
	add := func(more map[string]string) {
		for _, name := range slices.Sorted(maps.Keys(more)) {
			delete(tags, spelled[fold(name)])
			spelled[fold(name)] = name
			tags[name] = more[name]
		}
	}
	if c.User != nil {
		add(c.User.Tags)
	}
	if c.Role != nil {
		add(c.Role.Tags)
	}
	if c.Session != nil {
		add(c.Session.Tags)
	}
	return tags
}

// fold makes names of tags that are equal in any case the same. It must be
// what condition keys are folded with, and what the checks for duplicate and
// for transitive tags use: were two of them to differ in one letter of Unicode,
// a tag could be hidden behind another.
func fold(name string) string { return strings.ToLower(name) }
