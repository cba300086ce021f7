package analysis

import (
	"slices"
	"strconv"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A source says where a condition key has its value from, and so which keys
// have theirs together. The zero value is a key that no request ever has.
type source int

const (
	fromNowhere source = iota
	fromCaller
	fromTags
	fromOrg
	fromSession
	fromChannel
	fromTime
	fromRegion
	fromResource
	fromResourceOrg
	fromKeyTags
	fromContext
	fromContextNames
	fromRequestTags
	fromTagNames
	fromSource   // for which a service calls
	fromProvider // of a web identity
	fromClaims   // what else an identity provider says
	fromRequest
	fromElement // the Resource element
)

// subjectOf ends the name of the key that holds whom a provider of identities has
// identified; the name of the provider stands before it.
const subjectOf = ":sub"

// A keyInfo is what there is to know of a condition key.
type keyInfo struct {
	key    string // lower case
	row    policy.ConditionKey
	source source
}

var sources = map[string]source{
	"aws:principalarn": fromCaller, "aws:principaltype": fromCaller, "aws:userid": fromCaller, "aws:username": fromCaller,
	"aws:principalaccount": fromCaller, "kms:calleraccount": fromCaller, "aws:principalisawsservice": fromCaller,
	"aws:principalservicename": fromCaller, "aws:principalservicenameslist": fromCaller,
	"aws:principalorgid": fromOrg, "aws:principalorgpaths": fromOrg,
	"aws:tokenissuetime": fromSession, "aws:multifactorauthpresent": fromSession, "aws:multifactorauthage": fromSession,
	"aws:sourceip": fromChannel, "aws:vpcsourceip": fromChannel, "aws:sourcevpc": fromChannel, "aws:sourcevpce": fromChannel,
	"kms:viaservice": fromChannel, "aws:viaawsservice": fromChannel, "aws:calledvia": fromChannel, "aws:calledviafirst": fromChannel,
	"aws:calledvialast": fromChannel, "kms:grantisforawsresource": fromChannel,
	"aws:currenttime": fromTime, "aws:epochtime": fromTime, "aws:requestedregion": fromRegion,
	"aws:resourceaccount": fromResource, "kms:keyspec": fromResource, "kms:customermasterkeyspec": fromResource, "kms:keyusage": fromResource,
	"kms:customermasterkeyusage": fromResource, "kms:keyorigin": fromResource, "kms:multiregion": fromResource,
	"kms:multiregionkeytype": fromResource, "kms:resourcealiases": fromResource,
	"aws:resourceorgid": fromResourceOrg, "aws:resourceorgpaths": fromResourceOrg,
	contextKeys: fromContextNames, tagKeys: fromTagNames,
	"aws:federatedprovider": fromProvider,
	"aws:sourcearn":         fromSource, "aws:sourceaccount": fromSource, "aws:sourceorgid": fromSource, "aws:sourceorgpaths": fromSource,
	theResource: fromElement,
}

// info looks a condition key up.
func info(key string) *keyInfo {
	i := &keyInfo{key: key}
	row, known := policy.ConditionKeyNamed(key)
	exact := known && (row.Prefix() && len(key) > len(row.Name) || strings.EqualFold(row.Name, key))
	switch {
	case key == theResource:
		i.source = fromElement
		return i
	case !known && strings.HasSuffix(key, subjectOf):
		i.source = fromProvider
		return i
	case !known && strings.Contains(key, ":"):
		i.source = fromClaims
		return i
	case !exact || row.Absent:
		return i
	}
	i.row = row
	switch strings.ToLower(row.Name) {
	case requestTag:
		i.source = fromRequestTags
	case resourceTag:
		i.source = fromKeyTags
	case principalTag:
		i.source = fromTags
	case encryptionContext:
		i.source = fromContext
	default:
		if i.source = sources[key]; i.source == fromNowhere {
			i.source = fromRequest
		}
	}
	return i
}

// A subject is who asks for what, in one universe: all but the request.
type subject struct {
	u      *Universe
	caller *Caller
	action *policy.Action
	on     *resource
	by     *route
}

// rule is the rule of evaluation that the question comes under.
func (s *subject) rule() decision.Rule {
	switch {
	case s.on.kind == policy.RoleResource:
		return decision.Trust
	case s.on.kind != policy.KeyResource:
		return decision.IdentityOnly
	case s.action.Name == "kms:RetireGrant":
		return decision.GrantOnly
	default:
		return decision.KeyPolicy
	}
}

// possible tells whether a caller could come to ask this.
func (s *subject) possible() bool {
	if s.on.kind == policy.RoleResource {
		return s.assumes()
	}
	if s.action.Name == "kms:RetireGrant" || !strings.HasPrefix(s.action.Name, "kms:") || s.action.Operation == "" {
		return false
	}
	if s.on.kind == 0 {
		return len(s.action.Resources) == 0 && s.caller.Account != "" && s.caller.Account == s.on.asked.Account
	}
	return s.action.On(s.on.kind) && (s.on.kind == policy.KeyResource || s.caller.Account == s.on.asked.Account)
}

// carries tells whether requests for the action can hold a key at all.
func (s *subject) carries(i *keyInfo) bool {
	if i.source == fromNowhere {
		return false
	}
	if strings.HasPrefix(i.key, "kms:") && s.on.kind == policy.AliasResource {
		return false
	}
	if i.row.Name == "" || i.row.Global || i.source == fromKeyTags {
		return true
	}
	return slices.Contains(s.action.ConditionKeys, i.row.Name)
}

// fixed are the values of a key that no request changes; ok is false for a key
// that requests bring.
func (s *subject) fixed(i *keyInfo) (values []string, ok bool) {
	if !s.carries(i) {
		return nil, true
	}
	if s.caller.provider != "" && tellsOfCaller(i) {
		return s.ofProvider(i)
	}
	service := s.caller.Type == decision.Service
	switch i.source {
	case fromClaims:
		return s.caller.keys[i.key], true
	case fromElement:
		return []string{s.element()}, true
	case fromCaller:
		return s.ofCaller(i.key)
	case fromTags:
		return s.caller.keys[i.key], !s.unknown() || service || s.caller.Type == decision.Root
	case fromOrg:
		return s.caller.keys[i.key], !s.unknown() || service
	case fromProvider:
		return s.caller.keys[i.key], !s.unknown() || s.caller.Type != decision.Role
	case fromSession:
		return s.ofSession(i.key)
	case fromChannel:
		return s.ofService(i.key)
	case fromRegion:
		return []string{s.on.region}, s.on.kind != policy.RoleResource
	case fromResource, fromKeyTags:
		return s.ofResource(i)
	case fromResourceOrg:
		return s.ofOwner(i.key)
	case fromSource:
		return nil, !service
	case fromRequest:
		return s.ofRequest(i.key)
	default:
		return nil, false
	}
}

// unknown tells whether more may be true of the caller than what is known of
// it.
func (s *subject) unknown() bool { return s.u.open || s.caller.strange() }

// element is the resource as policies see it.
func (s *subject) element() string { return s.on.decided.ARN }

func (s *subject) ofCaller(key string) ([]string, bool) {
	values := s.caller.keys[key]
	switch {
	case key == "aws:principalisawsservice" && values == nil:
		return []string{"false"}, true
	case key == "aws:userid" && s.unknown() && (s.caller.Type == decision.User || s.caller.Type == decision.Role):
		return nil, false
	default:
		return values, true
	}
}

func (s *subject) ofSession(key string) ([]string, bool) {
	switch s.caller.Type {
	case decision.Service:
		return nil, true
	case decision.Federated, decision.WebIdentity:
		return s.caller.keys[key], !s.unknown()
	default:
		return nil, false
	}
}

// ofService are the keys of the channel for a service that calls as itself.
func (s *subject) ofService(key string) ([]string, bool) {
	if s.caller.Type != decision.Service {
		return nil, false
	}
	switch key {
	case "aws:viaawsservice":
		return []string{"false"}, true
	case "kms:grantisforawsresource":
		return []string{"true"}, true
	default:
		return nil, true
	}
}

func (s *subject) ofResource(i *keyInfo) ([]string, bool) {
	switch {
	case i.key == "aws:resourceaccount" && s.on.kind == 0:
		return nil, true
	case i.key == "aws:resourceaccount":
		return []string{s.on.asked.Account}, true
	case s.action.Name == "kms:CreateKey" && i.source != fromKeyTags && i.key != resourceAliases:
		return nil, false
	case s.on.kind != policy.KeyResource:
		return nil, true
	case s.on.open:
		values, said := s.on.facts[i.key]
		return values, said
	default:
		return s.on.facts[i.key], true
	}
}

func (s *subject) ofOwner(key string) ([]string, bool) {
	switch {
	case s.on.kind == 0:
		return nil, true
	case s.u.open:
		return nil, false
	case s.on.decided.OrgID == "":
		return nil, true
	case key == "aws:resourceorgid":
		return []string{s.on.decided.OrgID}, true
	default:
		return []string{s.on.orgPath}, true
	}
}

func (s *subject) ofRequest(key string) ([]string, bool) {
	t := s.caller.Type
	switch key {
	case "aws:sourceidentity":
		return s.caller.keys[key], t != decision.Role
	case "aws:assumedroot":
		return nil, t != decision.Root
	case "kms:requestalias":
		return nil, !s.on.open && len(s.on.asked.Key.Aliases) == 0
	default:
		return nil, false
	}
}

// setFacts fills what condition keys tell of a key of the world.
func (r *resource) setFacts() {
	k := r.asked.Key
	if k == nil {
		return
	}
	one := func(name, value string) {
		if value != "" {
			r.facts[name] = []string{value}
		}
	}
	one("kms:keyspec", k.Spec)
	one("kms:customermasterkeyspec", k.Spec)
	one("kms:keyusage", k.Usage)
	one("kms:customermasterkeyusage", k.Usage)
	one("kms:keyorigin", k.Origin)
	one("kms:multiregion", strconv.FormatBool(k.MultiRegion))
	one("kms:multiregionkeytype", k.MultiRegionKeyType)
	for name, value := range k.Tags {
		key := resourceTag + strings.ToLower(name)
		r.facts[key] = append(r.facts[key], value)
	}
	if len(k.Aliases) > 0 {
		r.facts[resourceAliases] = k.Aliases
	}
}
