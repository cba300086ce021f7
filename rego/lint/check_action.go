package lint

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// actionNames are the actions of the table, for suggestions.
var actionNames = func() []string {
	names := slices.Clone(stsActions)
	for _, a := range policy.Actions {
		names = append(names, a.Name)
	}
	return names
}()

// isService tells whether prefix is that of a service's actions.
func isService(prefix string) bool { return services.has[strings.ToLower(prefix)] }

func wild(text string) bool { return strings.ContainsAny(text, "*?") }

// actionNames looks for actions and services that do not exist.
func (c *checker) actionNames(f *facts) {
	for i, a := range f.s.Actions {
		service, name, found := strings.Cut(a.Text, ":")
		switch {
		case !found || name == "":
		case wild(service):
			c.wildcardService(f, i, service)
		case strings.EqualFold(service, "kms") || strings.EqualFold(service, "sts"):
			c.actionName(f, i, name)
		case !isService(service):
			g := c.add("INVALID_SERVICE_IN_ACTION", a.Pos, "There is no service %q.", service)
			if near, ok := nearest(service, serviceNames); ok {
				c.guessed(g, a.Pos, near.word+":"+name, near)
			}
		}
	}
}

// wildcardService tells of a pattern in the name of the service, which is
// spelled out where kms alone is meant.
func (c *checker) wildcardService(f *facts, i int, service string) {
	a := f.s.Actions[i]
	if strings.Trim(service, "*") == "" {
		return
	}
	g := c.add("WILDCARD_IN_SERVICE_NAME", a.Pos, "The service %q is a pattern.", service)
	ofKMS := len(f.named[i]) > 0
	for _, name := range f.named[i] {
		ofKMS = ofKMS && strings.HasPrefix(name, "kms:")
	}
	if ofKMS {
		g.Suggestion = "kms" + a.Text[len(service):]
	}
}

func (c *checker) actionName(f *facts, i int, name string) {
	a := f.s.Actions[i]
	known := func(n string) bool { return strings.EqualFold(n, a.Text) }
	if len(f.named[i]) > 0 || slices.ContainsFunc(stsActions, known) {
		return
	}
	if wild(name) {
		g := c.add("KR_ACTION_PATTERN_MATCHES_NOTHING", a.Pos, "The pattern %q matches no action.", a.Text)
		if near, ok := nearest(strings.TrimRight(a.Text, "*?"), prefixes(len(strings.TrimRight(a.Text, "*?")))); ok {
			g.Suggestion = near.word + "*"
		}
		return
	}
	g := c.add("INVALID_ACTION", a.Pos, "There is no action %q.", a.Text)
	if begun := policy.ExpandAction(a.Text + "*"); len(begun) > 0 {
		g.Suggestion = strings.Join(begun[:min(len(begun), 3)], " or ")
	} else if near, ok := nearest(a.Text, actionNames); ok {
		c.guessed(g, a.Pos, near.word, near)
	}
}

// prefixes are the first size bytes of the names of actions.
func prefixes(size int) []string {
	var all []string
	for _, name := range actionNames {
		if len(name) >= size {
			all = append(all, name[:size])
		}
	}
	return all
}

// redundantActions looks for actions that another of the same list covers.
func (c *checker) redundantActions(f *facts) {
	low := texts(f.s.Actions)
	for i := range low {
		low[i] = strings.ToLower(low[i])
	}
	c.redundant("REDUNDANT_ACTION", f.s.Actions, low)
}

// redundantResources looks for resources that another of the same list covers.
func (c *checker) redundantResources(f *facts) {
	c.redundant("REDUNDANT_RESOURCE", f.s.Resources, texts(f.s.Resources))
}

// redundant compares values as text has them. Of two equal ones the second is
// redundant; with variables nothing else is compared.
func (c *checker) redundant(id string, values []policy.Value, text []string) {
	var patterns []int
	first := map[string]int{}
	for i, v := range values {
		if wild(v.Text) && !v.HasVariable() {
			patterns = append(patterns, i)
		}
		if _, seen := first[text[i]]; !seen {
			first[text[i]] = i
		}
	}
	for i, v := range values {
		by := first[text[i]]
		if by == i && !v.HasVariable() {
			at := slices.IndexFunc(patterns, func(j int) bool { return text[j] != text[i] && covers(text[j], text[i]) })
			if at >= 0 {
				by = patterns[at]
			}
		}
		if by == i {
			continue
		}
		g := c.add(id, v.Pos, "%q is covered by %q of the same list.", v.Text, values[by].Text)
		if edit, ok := c.remove(v.Pos); ok {
			g.mend("Remove "+quoted(v.Text), edit)
		}
	}
}

// covers tells whether the pattern wide matches all that narrow does. Where
// narrow has wildcards it may say no too often, never yes.
func covers(wide, narrow string) bool {
	w, n := 0, 0
	star, from := -1, 0
	for w < len(wide) || n < len(narrow) {
		switch {
		case w < len(wide) && wide[w] == '*':
			star, from = w, n
			w++
			continue
		case w < len(wide) && n < len(narrow) && (wide[w] == narrow[n] || wide[w] == '?' && narrow[n] != '*'):
			w, n = w+1, n+1
			continue
		case star < 0 || from >= len(narrow):
			return false
		}
		from++
		w, n = star+1, from
	}
	return true
}

// unsupportedActions looks for actions that a key policy, or the policy of
// the endpoint of KMS, is never asked about.
func (c *checker) unsupportedActions(f *facts) {
	if c.kind != policy.Key && c.kind != policy.Endpoint || f.s.NotAction {
		return
	}
	for i, a := range f.s.Actions {
		service, _, found := strings.Cut(strings.ToLower(a.Text), ":")
		switch {
		case !found || wild(service):
		case service != "kms" && isService(service) && (c.kind == policy.Key || c.forKMS()):
			c.add("UNSUPPORTED_ACTION_IN_POLICY", a.Pos, "The policy is asked about actions of kms only, not %q.", a.Text)
		case service == "kms" && c.kind == policy.Key && len(f.named[i]) > 0 && !slices.ContainsFunc(f.named[i], onKeys):
			g := c.add("UNSUPPORTED_ACTION_IN_POLICY", a.Pos, "%s is not asked about a key, so no key policy allows or denies it; an identity policy does.", a.Text)
			if attested(f.s) && strings.EqualFold(a.Text, "kms:GenerateRandom") {
				g.Severity = Warning
			}
		}
	}
}

// forKMS tells whether any statement speaks of kms: an endpoint policy that
// does not is that of another service's endpoint.
func (c *checker) forKMS() bool {
	return slices.ContainsFunc(c.doc.Statements, func(s policy.Statement) bool {
		return slices.ContainsFunc(s.Actions, func(a policy.Value) bool { return strings.HasPrefix(strings.ToLower(a.Text), "kms:") })
	})
}

func onKeys(name string) bool {
	a, ok := policy.ActionNamed(name)
	return ok && a.On(policy.KeyResource)
}

func onAliases(name string) bool {
	a, ok := policy.ActionNamed(name)
	return ok && a.On(policy.AliasResource)
}

// bare tells whether an action of kms is asked about no resource.
func bare(name string) bool {
	a, ok := policy.ActionNamed(name)
	return ok && strings.HasPrefix(name, "kms:") && len(a.Resources) == 0
}

func readOnly(name string) bool {
	a, ok := policy.ActionNamed(name)
	return ok && a.ReadOnly
}

func all(names []string, is func(string) bool) bool {
	return len(names) > 0 && !slices.ContainsFunc(names, func(n string) bool { return !is(n) })
}

// star tells whether a value is "*".
func star(v policy.Value) bool { return v.Text != "" && strings.Trim(v.Text, "*") == "" }

// bareActions looks for actions without a resource beside ARNs alone. The
// guide itself lists kms:ListKeys beside actions on one key, which harms
// nobody.
func (c *checker) bareActions(f *facts) {
	if f.s.NotAction || f.s.NotResource || len(f.s.Resources) == 0 || slices.ContainsFunc(f.s.Resources, star) {
		return
	}
	dead := 0
	for i := range f.s.Actions {
		if all(f.named[i], bare) {
			dead++
		}
	}
	for i, a := range f.s.Actions {
		if !all(f.named[i], bare) {
			continue
		}
		g := c.add("KR_ACTION_NEEDS_STAR_RESOURCE", a.Pos, "%s has no resource, so beside an ARN it never matches; give it a statement of its own with Resource \"*\".", a.Text)
		if dead < len(f.s.Actions) && all(f.named[i], readOnly) {
			g.Severity = Warning
		}
	}
}

// aliasResources looks for key actions whose resource is an alias: a request
// that names a key by its alias is still asked about the key.
func (c *checker) aliasResources(f *facts) {
	if f.s.NotAction || f.s.NotResource || len(f.s.Resources) == 0 {
		return
	}
	onlyAliases := all(texts(f.s.Resources), aliasARN)
	anyAlias := slices.ContainsFunc(f.named, func(names []string) bool { return slices.ContainsFunc(names, onAliases) })
	forKMS := slices.ContainsFunc(f.named, func(names []string) bool { return slices.ContainsFunc(names, onKeys) })
	for _, r := range f.s.Resources {
		if forKMS && !anyAlias && aliasARN(r.Text) {
			c.add("KR_ALIAS_ARN_FOR_KEY_ACTION", r.Pos, "The actions are asked about keys, and an alias in Resource matches no key. Name the key, or compare kms:ResourceAliases or kms:RequestAlias.")
		}
	}
	for i, a := range f.s.Actions {
		if onlyAliases && anyAlias && len(f.named[i]) > 0 && all(f.named[i], onKeys) && !slices.ContainsFunc(f.named[i], onAliases) {
			c.add("KR_ALIAS_ARN_FOR_KEY_ACTION", a.Pos, "%s is asked about a key, and every resource here is an alias.", a.Text)
		}
	}
}

func texts(values []policy.Value) []string {
	all := make([]string, len(values))
	for i := range values {
		all[i] = values[i].Text
	}
	return all
}

func aliasARN(text string) bool {
	fields := strings.SplitN(text, ":", 6)
	return len(fields) == 6 && fields[2] == "kms" && strings.HasPrefix(fields[5], "alias/")
}

// keyPolicyResource looks for a Resource other than "*" in a key policy.
func (c *checker) keyPolicyResource(f *facts) {
	if c.kind != policy.Key {
		return
	}
	if !f.s.HasResource {
		c.add("MISSING_RESOURCE", f.s.Pos, "The statement has no Resource, so it matches nothing. In a key policy \"*\" is the key.")
	}
	for _, r := range f.s.Resources {
		switch {
		case star(r) || aliasARN(r.Text):
		case c.o.KeyARN != "" && r.Text == c.o.KeyARN:
			g := c.add("KR_KEY_POLICY_RESOURCE_NOT_STAR", r.Pos, "The ARN is that of the key, where \"*\" says the same and also holds for a copy of the policy on another key.")
			if !f.s.NotResource {
				c.meant(g, r.Pos, "*")
			}
		case c.o.KeyARN != "" && !f.s.NotResource && !covers(r.Text, c.o.KeyARN):
			c.add("KR_KEY_POLICY_RESOURCE_NOT_STAR", r.Pos, "The ARN is not that of the key, so the statement never matches. In a key policy \"*\" is the key.").Suggestion = "*"
		default:
			c.add("KR_KEY_POLICY_RESOURCE_NOT_STAR", r.Pos, "In a key policy \"*\" is the key; another ARN never matches, and the key's own does not hold on a copy or replica.").Suggestion = "*"
		}
	}
}
