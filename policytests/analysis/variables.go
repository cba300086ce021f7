package analysis

import (
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// more are texts that variables bring to a key, and those that a key that is a
// variable must be able to equal.
func (sp *space) more(key string) []string {
	var all []string
	for _, c := range sp.conditions[key] {
		for _, o := range c.operands {
			all = append(all, sp.filled(o.value)...)
		}
	}
	for _, c := range sp.conditions[key] {
		if len(c.vars) > 0 {
			all = append(all, sp.ofCallers(c)...)
		}
	}
	for _, c := range sp.variables[key] {
		for _, text := range sp.targets(c) {
			for _, o := range c.operands {
				if middle, ok := between(o.value, key, text); ok {
					all = append(all, middle)
				}
			}
		}
	}
	return all
}

// maxFilled bounds the texts that one operand with variables gives.
const maxFilled = 48

// filled are texts that an operand admits once values that its variables can
// have take their places; where there are several variables, each in turn.
func (sp *space) filled(v policy.Value) []string {
	if !v.HasVariable() {
		return nil
	}
	fillings := []map[string]string{{}}
	for _, part := range v.Parts {
		if part.Kind != policy.Variable || fillings[0][part.Text] != "" {
			continue
		}
		var next []map[string]string
		for _, text := range sp.known(part.Text) {
			for _, f := range fillings {
				if len(next) < maxFilled && text != "" {
					g := maps.Clone(f)
					g[part.Text] = text
					next = append(next, g)
				}
			}
		}
		if len(next) == 0 {
			continue
		}
		fillings = next
	}
	var all []string
	for _, f := range fillings {
		p, ok := ofParts(v.Parts, func(k string) (string, bool) { return f[k], f[k] != "" })
		if ok {
			all = append(all, p.example())
		}
	}
	return all
}

// ofCallers are texts that the operands of a condition admit once each caller's
// own values, or their defaults, take the place of variables.
func (sp *space) ofCallers(c *condition) []string {
	var all []string
	for _, u := range sp.universes {
		for _, w := range u.callers {
			of := func(k string) (string, bool) {
				if v := w.keys[k]; len(v) == 1 {
					return v[0], true
				}
				return "", false
			}
			for _, o := range c.operands {
				if p, ok := ofParts(o.value.Parts, of); ok {
					all = append(all, p.example())
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// known are the values that a key has or can have.
func (sp *space) known(key string) []string {
	var all []string
	for _, u := range sp.universes {
		for _, c := range u.callers {
			all = append(all, c.keys[key]...)
		}
		for _, r := range u.resources {
			all = append(all, r.facts[key]...)
			all = append(all, r.usual(key)...)
		}
		for _, by := range u.routes {
			switch {
			case by.endpoint != nil && key == "aws:sourcevpce":
				all = append(all, by.endpoint.ID)
			case by.endpoint != nil && key == "aws:sourcevpc":
				all = append(all, by.endpoint.VPC)
			}
		}
		all = append(all, usual(key, u.cfg.Now)...)
	}
	switch sp.info(key).source {
	case fromNowhere, fromCaller, fromResource, fromClaims:
	default:
		all = append(all, sp.choice(key).values...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// usual are values of a key that requests about a resource have.
func (r *resource) usual(key string) []string {
	switch key {
	case "aws:requestedregion":
		return []string{r.region}
	case "aws:resourceaccount":
		return []string{r.asked.Account}
	case "kms:viaservice":
		return []string{"s3." + r.region + ".amazonaws.com"}
	case "kms:requestalias":
		if r.asked.Key != nil {
			return r.asked.Key.Aliases
		}
	}
	return nil
}

// usual are values of a key that requests have of which policies say nothing.
func usual(key string, now time.Time) []string {
	switch key {
	case "aws:sourceip":
		return []string{clientAddress, serviceAddress}
	case "aws:vpcsourceip":
		return []string{clientAddress}
	case "aws:currenttime":
		return []string{now.UTC().Format(time.RFC3339)}
	case "aws:epochtime":
		return []string{strconv.FormatInt(now.Unix(), 10)}
	case "aws:viaawsservice", "aws:multifactorauthpresent", "kms:grantisforawsresource", "aws:principalisawsservice":
		return truths
	case "aws:calledviafirst", "aws:calledvialast":
		return []string{"s3.amazonaws.com"}
	case "aws:userid":
		return []string{anyUserID, anySessionID}
	}
	return nil
}

// targets are texts that an operand with a variable may have to equal.
func (sp *space) targets(c *condition) []string {
	var all []string
	for _, u := range sp.universes {
		for _, r := range u.resources {
			if c.key == theResource {
				all = append(all, r.decided.ARN)
			}
			all = append(all, r.facts[c.key]...)
		}
		for _, w := range u.callers {
			all = append(all, w.keys[c.key]...)
		}
	}
	for _, other := range sp.conditions[c.key] {
		for _, o := range other.operands {
			if text, only := o.value.Literal(); only {
				all = append(all, text)
			}
		}
	}
	return append(all, domainOf(c.key).values...)
}

// between is what a variable must be for an operand to be text.
func between(v policy.Value, key, text string) (string, bool) {
	for i, p := range v.Parts {
		if p.Kind != policy.Variable || p.Text != key {
			continue
		}
		before, ok := ofParts(v.Parts[:i], func(string) (string, bool) { return "", false })
		after, ok2 := ofParts(v.Parts[i+1:], func(string) (string, bool) { return "", false })
		if !ok || !ok2 || len(text) > 200 {
			continue
		}
		start, end := least(before), least(after)
		for ; start <= len(text)-end; start++ {
			if middle := text[start : len(text)-end]; before.matches(text[:start]) && after.matches(text[len(text)-end:]) {
				return middle, middle != ""
			}
			if !slices.ContainsFunc(before, func(x place) bool { return x.many }) {
				break
			}
		}
	}
	return "", false
}

// least is how long a text must be, in bytes, for a pattern to take it, if its
// wildcards stand for ASCII.
func least(p pattern) int {
	n := 0
	for _, x := range p {
		switch {
		case x.many:
		case x.class == exact:
			n += utf8.RuneLen(x.r)
		default:
			n++
		}
	}
	return n
}
