package caseline

import (
	"strconv"
	"strings"
	"time"
)

// Quote writes a word as it can stand in a line, in quotes if it needs them.
func Quote(text string) string {
	if text != "" && !strings.ContainsAny(text, " \t\r\n\"#[]=,|") && text[0] != '!' {
		return text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// String is the request as it stands in a line. What stands by given lines is
// written out, so the line says the same in any file; the account in which
// names are looked up is not part of it.
func (r Request) String() string {
	parts := []string{list(r.Principals), list(r.Actions)}
	if len(r.Resources) > 0 {
		parts = append(parts, list(r.Resources))
	}
	return strings.Join(append(parts, r.Clauses()...), " ")
}

// Each lists the requests of one principal, one action and at most one resource
// that the request stands for.
func (r Request) Each() []Request {
	resources := [][]Word{nil}
	if len(r.Resources) > 0 {
		resources = nil
		for i := range r.Resources {
			resources = append(resources, r.Resources[i:i+1])
		}
	}
	var all []Request
	for i := range r.Principals {
		for j := range r.Actions {
			for k := range resources {
				one := r
				one.Principals, one.Actions, one.Resources = r.Principals[i:i+1], r.Actions[j:j+1], resources[k]
				all = append(all, one)
			}
		}
	}
	return all
}

// String is a case about requests as it stands in a line, with what it expects.
func (c Case) String() string {
	text := c.Kind.String() + " " + c.Request.String()
	for i, w := range c.Because {
		if i == 0 {
			text += " because"
		}
		text += " " + Quote(w.Text)
	}
	if c.Says != nil {
		text += " says " + Quote(c.Says.Text)
	}
	return text
}

// Clauses are the clauses of the request, each as it stands in a line.
func (r Request) Clauses() []string {
	var parts []string
	add := func(word string, words ...Word) {
		if len(words) > 0 && words[0].Text != "" {
			parts = append(parts, word+" "+list(words))
		}
	}
	for _, p := range r.Keys {
		parts = append(parts, p.String())
	}
	for _, w := range r.Absent {
		parts = append(parts, "!"+Quote(w.Text))
	}
	parts = append(parts, r.Session.clauses()...)
	add("via endpoint", r.Endpoint)
	add("via service", r.Services...)
	add("grant", r.Grants...)
	if !r.At.IsZero() {
		parts = append(parts, "at "+r.At.Format(time.RFC3339Nano))
	}
	add("in", r.Region)
	return parts
}

func (s Session) clauses() []string {
	var parts []string
	if s.Name.Text != "" {
		parts = append(parts, "session "+Quote(s.Name.Text))
	}
	if len(s.Policies) > 0 {
		parts = append(parts, "with policy "+list(s.Policies))
	}
	for _, t := range s.Tags {
		parts = append(parts, "with tag "+t.String())
	}
	if s.SourceIdentity.Text != "" {
		parts = append(parts, "with source-identity "+Quote(s.SourceIdentity.Text))
	}
	switch {
	case s.MFA.Present:
		parts = append(parts, "with mfa "+strconv.Itoa(int(s.MFA.Age/time.Second)))
	case s.MFA.Given:
		parts = append(parts, "with mfa none")
	}
	return parts
}

// String is the pair as it stands in a line.
func (p Pair) String() string {
	if len(p.Values) == 1 && !p.List {
		if p.Values[0] == "" {
			return Quote(p.Key) + "="
		}
		return Quote(p.Key) + "=" + Quote(p.Values[0])
	}
	values := make([]string, len(p.Values))
	for i, v := range p.Values {
		values[i] = Quote(v)
	}
	return Quote(p.Key) + "=[" + strings.Join(values, ", ") + "]"
}

// list writes one name, or several in brackets.
func list(words []Word) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = Quote(w.Text)
	}
	if len(texts) == 1 {
		return texts[0]
	}
	return "[" + strings.Join(texts, ", ") + "]"
}
