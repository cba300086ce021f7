package identity

import (
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
// absent.
func (c Caller) Keys(now time.Time) map[string][]string {
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
		keys["aws:principaltag/"+strings.ToLower(name)] = []string{value}
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
}

// Tags are the principal's tags as policies see them: those of the user or
// role, and those of the session over them. Names are equal in any case.
func (c Caller) Tags() map[string]string {
	tags := make(map[string]string)
	add := func(more map[string]string) {
		for name, value := range more {
			for old := range tags {
				if strings.EqualFold(old, name) {
					delete(tags, old)
				}
			}
			tags[name] = value
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
