package analysis

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// org is the place of an account in an organization, where that is not known.
// The account that nobody names is in none that policies name.
func (sp *space) org(s *subject, prefix string) *dimension {
	id, paths := prefix+"id", prefix+"paths"
	outside := s.caller.Outside && prefix == "aws:principalorg"
	name := prefix
	if outside {
		name += " of strangers"
	}
	return sp.dimension(name, []string{"aws:principalorgid", "aws:principalorgpaths", "aws:resourceorgid", "aws:resourceorgpaths"}, func() []option {
		all := []option{{}}
		in := func(org, path string) {
			all = append(all, option{keys: map[string][]string{
				"aws:principalorgid": {org}, "aws:principalorgpaths": {path}, "aws:resourceorgid": {org}, "aws:resourceorgpaths": {path}}})
		}
		var named []string
		if outside {
			named = sp.namedOrganizations()
			in(strangersOrg, strangersOrg+"/r-str1/")
		}
		asked := func(suffix string) []*condition {
			return slices.Concat(sp.conditions["aws:principalorg"+suffix], sp.conditions["aws:resourceorg"+suffix])
		}
		for _, place := range sp.organizations(asked("id"), asked("paths"), append(sp.more(id), sp.more(paths)...)) {
			if !slices.Contains(named, place.id) {
				in(place.id, place.path)
			}
		}
		return all
	})
}

// strangersOrg is the organization of accounts that nobody names.
const strangersOrg = "o-strangers0"

// A place in an organization.
type orgPlace struct{ id, path string }

var pathForm = join(literal("o-"), times(lower, 10), literal("/r-"), some(lower), literal("/"), pattern{{class: anything, many: true}})

// organizations are places that conditions on ids and paths tell apart.
func (sp *space) organizations(ids, paths []*condition, more []string) []orgPlace {
	var all []orgPlace
	for _, org := range sp.pick("aws:principalorgid", ids, domains["aws:principalorgid"], more) {
		all = append(all, orgPlace{org, org + "/r-ab12/"})
	}
	var told []pattern // as paths, so that their combinations are met
	complete := true
	for _, c := range slices.Concat(ids, paths) {
		complete = complete && len(c.vars) == 0
		for _, o := range c.operands {
			switch {
			case c.op.Type != policy.StringType && c.op.Type != policy.ARNType:
			case strings.HasSuffix(c.key, "id") && !o.never:
				told = append(told, join(o.fixed, literal("/"), pattern{{class: anything, many: true}}))
			case !o.never:
				told = append(told, o.fixed)
			}
		}
	}
	if len(paths) == 0 {
		return all
	}
	texts, every := cells(told, pathForm, nil)
	if !every || !complete {
		sp.limits["aws:principalorgpaths"] = "too many combinations of the patterns on aws:PrincipalOrgPaths"
	}
	for _, path := range texts {
		org, _, _ := strings.Cut(path, "/")
		all = append(all, orgPlace{org, path})
	}
	return all
}

// namedOrganizations are those of the world, and those whose ids policies give
// in full.
func (sp *space) namedOrganizations() []string {
	var all []string
	for _, u := range sp.universes {
		if o := u.world.Organization(); o != nil {
			all = append(all, o.ID)
		}
	}
	for _, key := range []string{"aws:principalorgid", "aws:resourceorgid", "aws:principalorgpaths", "aws:resourceorgpaths"} {
		for _, c := range sp.conditions[key] {
			for _, o := range c.operands {
				if len(o.value.Parts) > 0 && o.value.Parts[0].Kind == policy.Literal {
					org, _, cut := strings.Cut(o.value.Parts[0].Text, "/")
					if cut || len(o.value.Parts) == 1 {
						all = append(all, org)
					}
				}
			}
		}
	}
	return all
}

// source is for whom a service calls.
func (sp *space) source(s *subject) *dimension {
	keys := []string{"aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths"}
	return sp.dimension("source", keys, func() []option {
		all := []option{{}}
		accounts := sp.pick(keys[1], sp.conditions[keys[1]], domain{form: times(digit, 12), seeds: []string{s.on.asked.Account, "999999999999"}}, sp.more(keys[1]))
		orgs := append([]orgPlace{{}}, sp.organizations(sp.conditions[keys[2]], sp.conditions[keys[3]], append(sp.more(keys[2]), sp.more(keys[3])...))...)
		arns := append([]string{""}, sp.pick(keys[0], sp.conditions[keys[0]], domains["aws:sourcearn"], sp.more(keys[0]))...)
		for _, arn := range arns {
			owners := accounts
			if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 && parts[4] != "" {
				owners = []string{parts[4]}
			}
			for _, account := range owners {
				for _, org := range orgs {
					o := option{keys: map[string][]string{keys[1]: {account}}}
					if arn != "" {
						o.keys[keys[0]] = []string{arn}
					}
					if org.id != "" {
						o.keys[keys[2]], o.keys[keys[3]] = []string{org.id}, []string{org.path}
					}
					all = append(all, o)
				}
			}
		}
		return all
	})
}

// providerDomains are what names of identity providers look like: those that
// everybody knows, and those that an account has registered.
var providerDomains = []domain{domains["aws:federatedprovider"], providerARNs("oidc-provider", "login.example.com"), providerARNs("saml-provider", "directory")}

func providerARNs(kind, name string) domain {
	return domain{form: join(literal("arn:aws"), pattern{{class: lower, many: true}}, literal(":iam::"), times(digit, 12), literal(":"+kind+"/"), some(pathWord)),
		seeds: []string{"arn:aws:iam::999999999999:" + kind + "/" + name}}
}

// provider is who has identified the caller of a session, and as whom. A
// session that AssumeRole began has neither.
func (sp *space) provider() *dimension {
	const provider = "aws:federatedprovider"
	var subjects []string
	for _, all := range []map[string][]*condition{sp.conditions, sp.variables} {
		for _, key := range sortedKeys(all) {
			if sp.info(key).source == fromProvider && key != provider && !slices.Contains(subjects, key) {
				subjects = append(subjects, key)
			}
		}
	}
	return sp.dimension("provider", append([]string{provider}, subjects...), func() []option {
		all := []option{{}}
		var names []string
		for _, d := range providerDomains {
			names = append(names, sp.pick(provider, sp.conditions[provider], d, sp.more(provider))...)
		}
		for _, key := range subjects {
			host := strings.TrimSuffix(key, subjectOf)
			names = append(names, host, "arn:"+sp.universes[0].world.Partition()+":iam::999999999999:oidc-provider/"+host)
		}
		if len(subjects) > 0 && len(sp.conditions[provider]) > 0 {
			sp.limits[provider] = "conditions on aws:FederatedProvider and on whom it has identified were not looked at in all combinations"
		}
		for _, name := range unique(names) {
			all = append(all, option{keys: map[string][]string{provider: {name}}})
			_, host, isARN := strings.Cut(name, ":oidc-provider/")
			if !isARN {
				host = name
			}
			key := strings.ToLower(host) + subjectOf
			if !slices.Contains(subjects, key) {
				continue
			}
			for _, whom := range sp.choice(key).values {
				all = append(all, option{keys: map[string][]string{provider: {name}, key: {whom}}})
			}
		}
		return all
	})
}

// chosen tells whether whoever begins the caller's session gives a key its
// value: the name of a role session, and where the trust policy lets it, tags.
// So are keys that are untold.
func (s *subject) chosen(key string) bool {
	if s.untold(key) || s.beyond(key) {
		return true
	}
	if s.unknown() || s.caller.Type != decision.Role || s.caller.who.Role == nil {
		return false
	}
	return key == "aws:userid" || strings.HasPrefix(key, principalTag) && s.caller.taggable()
}

// taggable tells whether the trust policy of the caller's role lets anybody
// bring tags.
func (c *Caller) taggable() bool {
	return slices.ContainsFunc(c.who.Role.Trust.Document.Statements, func(s policy.Statement) bool {
		return s.Effect == policy.Allow && slices.ContainsFunc(s.Actions, func(v policy.Value) bool {
			return slices.Contains(policy.ExpandAction(v.Text), "sts:TagSession") != s.NotAction
		})
	})
}
