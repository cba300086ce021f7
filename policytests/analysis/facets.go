package analysis

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// dimensions are those on which the value of a key depends, which is not fixed
// for the subject.
func (sp *space) dimensions(s *subject, i *keyInfo) []*dimension {
	one := func(d *dimension) []*dimension { return []*dimension{d} }
	switch i.source {
	case fromContext:
		return one(sp.dims[i.key])
	case fromContextNames:
		return sp.contexts
	case fromRequestTags:
		return one(sp.dims[i.key])
	case fromTagNames:
		return sp.tags
	case fromOrg:
		return one(sp.org(s, "aws:principalorg"))
	case fromResourceOrg:
		if s.caller.Account == s.on.asked.Account && s.caller.Type != decision.Service {
			return one(sp.org(s, "aws:principalorg"))
		}
		return one(sp.org(s, "aws:resourceorg"))
	case fromSession:
		return one(sp.session(s))
	case fromChannel:
		return one(sp.channel(s))
	case fromTime:
		return one(sp.time())
	case fromSource:
		return one(sp.source(s))
	case fromProvider:
		if s.caller.provider != "" {
			return one(sp.dimension("claim "+i.key, []string{i.key}, func() []option { return sp.single(i.key, true) }))
		}
		return one(sp.provider())
	case fromResource:
		return one(sp.ofKey(i.key))
	case fromCaller: // aws:userid of somebody made up
		return one(sp.userID(s))
	default:
		return one(sp.plain(s, i.key))
	}
}

// plain is a key that stands for itself.
func (sp *space) plain(s *subject, key string) *dimension {
	switch key {
	case "kms:granteeprincipal", "kms:granteeserviceprincipal":
		return sp.party("kms:granteeprincipal", "kms:granteeserviceprincipal", false)
	case "kms:retiringprincipal", "kms:retiringserviceprincipal":
		return sp.party("kms:retiringprincipal", "kms:retiringserviceprincipal", true)
	case "kms:requestalias":
		if !s.on.open {
			return sp.dimension(key+s.on.decided.ARN, []string{key}, func() []option {
				all := []option{{}}
				for _, a := range s.on.asked.Key.Aliases {
					all = append(all, option{keys: map[string][]string{key: {a}}})
				}
				return all
			})
		}
	case "kms:encryptionalgorithm":
		if strings.HasPrefix(s.action.Name, "kms:GenerateDataKey") {
			return sp.dimension(key+" of data keys", []string{key}, func() []option {
				return []option{{keys: map[string][]string{key: {"SYMMETRIC_DEFAULT"}}}}
			})
		}
	}
	return sp.dimension(key, []string{key}, func() []option { return sp.single(key, domainOf(key).optional) })
}

// party is a principal, or a service, that a grant names.
func (sp *space) party(key, service string, optional bool) *dimension {
	return sp.dimension(key, []string{key, service}, func() []option {
		var all []option
		if optional {
			all = append(all, option{})
		}
		form := join(literal("arn:aws"), pattern{{class: lower, many: true}}, literal(":"), times(lower, 3), literal("::"), times(digit, 12), literal(":"), some(pathWord))
		for _, v := range sp.pick(key, sp.conditions[key], domain{form: form, seeds: []string{freshARN}}, sp.more(key)) {
			if strings.HasPrefix(v, "arn:") {
				all = append(all, option{keys: map[string][]string{key: {v}}})
			}
		}
		names := sp.pick(service, slices.Concat(sp.conditions[service], sp.conditions[key]), domain{form: serviceForm, seeds: []string{"ec2.amazonaws.com"}}, nil)
		for _, v := range names {
			all = append(all, option{keys: map[string][]string{key: {v}, service: {v}}})
		}
		return all
	})
}

var serviceForm = join(some(lower), literal(".amazonaws.com"))

// Unique ids of somebody made up: of a user, and of a session of a role.
const (
	anyUserID    = "AIDASOMEBODYELSE12345"
	anySessionID = "AROASOMEBODYELSE12345:session"
)

// userID is the unique id of a user, or that of a role with a session's name.
func (sp *space) userID(s *subject) *dimension {
	const key = "aws:userid"
	form, seed := join(literal("AIDA"), times(upper, 17)), anyUserID
	name := key + " of users"
	if s.caller.Type == decision.Role {
		form, seed, name = join(literal("AROA"), some(upper), literal(":"), some(word)), anySessionID, key+" of roles"
	}
	return sp.dimension(name, []string{key}, func() []option {
		var all []option
		for _, v := range sp.pick(key, sp.conditions[key], domain{form: form, seeds: []string{seed}}, sp.more(key)) {
			all = append(all, option{keys: map[string][]string{key: {v}}})
		}
		return all
	})
}

// ofKey are facts of a key that is not known, or that is to be created.
func (sp *space) ofKey(key string) *dimension {
	switch key {
	case "kms:keyspec", "kms:customermasterkeyspec", "kms:keyusage", "kms:customermasterkeyusage":
		keys := []string{"kms:keyspec", "kms:customermasterkeyspec", "kms:keyusage", "kms:customermasterkeyusage"}
		return sp.dimension("spec", keys, func() []option {
			var all []option
			for _, e := range spec.All() {
				for _, u := range e.Usages() {
					all = append(all, option{keys: map[string][]string{keys[0]: {string(e.Spec)}, keys[1]: {string(e.Spec)}, keys[2]: {string(u)}, keys[3]: {string(u)}}})
				}
			}
			return all
		})
	case "kms:multiregion", "kms:multiregionkeytype":
		keys := []string{"kms:multiregion", "kms:multiregionkeytype"}
		return sp.dimension("multi-Region", keys, func() []option {
			return []option{
				{keys: map[string][]string{keys[0]: {"false"}}},
				{keys: map[string][]string{keys[0]: {"true"}, keys[1]: {"PRIMARY"}}},
				{keys: map[string][]string{keys[0]: {"true"}, keys[1]: {"REPLICA"}}},
			}
		})
	default:
		return sp.dimension(key, []string{key}, func() []option { return sp.single(key, domainOf(key).optional) })
	}
}

// time is when the request is made.
func (sp *space) time() *dimension {
	keys := []string{"aws:currenttime", "aws:epochtime"}
	return sp.dimension("time", keys, func() []option {
		var all []option
		for _, t := range sp.instants() {
			all = append(all, option{keys: map[string][]string{keys[0]: {t.UTC().Format(time.RFC3339)}, keys[1]: {strconv.FormatInt(t.Unix(), 10)}}})
		}
		return all
	})
}

// instants are the times at which conditions change, and the times around
// them; the time of requests that say nothing of it first.
func (sp *space) instants() []time.Time {
	all := []time.Time{sp.universes[0].cfg.Now}
	for _, k := range []string{"aws:currenttime", "aws:epochtime", "aws:tokenissuetime"} {
		for _, c := range sp.conditions[k] {
			for _, o := range c.operands {
				t := o.date
				if o.num != nil {
					f, _ := o.num.Float64()
					t = time.Unix(int64(f), 0)
				}
				if t.IsZero() {
					continue
				}
				for _, shift := range []time.Duration{0, -time.Second, time.Second} {
					all = append(all, t.Add(shift).Truncate(time.Second))
				}
			}
		}
	}
	return all
}

// session is what the credentials of a caller tell of themselves. Those of a
// user may be temporary, with MFA or without.
func (sp *space) session(s *subject) *dimension {
	keys := []string{"aws:tokenissuetime", "aws:multifactorauthpresent", "aws:multifactorauthage"}
	long := s.caller.Type == decision.User || s.caller.Type == decision.Root
	name := "session of a role"
	if long {
		name = "session"
	}
	return sp.dimension(name, keys, func() []option {
		var all []option
		if long {
			all = append(all, option{})
		}
		for _, t := range sp.instants() {
			issued := []string{t.UTC().Format(time.RFC3339)}
			all = append(all, option{keys: map[string][]string{keys[0]: issued, keys[1]: {"false"}}})
			if !long {
				continue
			}
			for _, age := range choose(sp.conditions[keys[2]], domains[keys[2]], nil).values {
				all = append(all, option{keys: map[string][]string{keys[0]: issued, keys[1]: {"true"}, keys[2]: {age}}})
			}
		}
		return all
	})
}

// pick is the values of a key, with a note if they are not all that there are.
func (sp *space) pick(key string, conditions []*condition, d domain, more []string) []string {
	c := choose(conditions, d, more)
	if !c.complete {
		sp.limits[key] = "too many combinations of the patterns on " + ruleOf(key)
	}
	return c.values
}

// ruleOf tells the row of a key; it is for messages.
func ruleOf(key string) string {
	if row, ok := policy.ConditionKeyNamed(key); ok && !row.Prefix() {
		return row.Name
	}
	return key
}
