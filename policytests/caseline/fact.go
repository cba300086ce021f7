package caseline

import (
	"strings"

	"github.com/keyreeve/keyreeve/rego/slip"
)

// factWords are the words that a given line about the world begins with.
var factWords = []string{"grant", "tag", "alias", "policy", "boundary", "endpoint", "service"}

// facts read what follows such a word.
var facts = map[string]func(*statement, *Given) error{
	"grant": func(s *statement, g *Given) error {
		return s.fact(g, "grant", options{
			"on":      func() (err error) { g.On, err = s.names("key"); return err },
			"to":      func() (err error) { g.To, err = s.once(g.To, "grantee"); return err },
			"for":     func() (err error) { g.Operations, err = s.names("operation"); return err },
			"retiree": func() (err error) { g.Retiree, err = s.once(g.Retiree, "retiree"); return err },
			"equals":  func() error { return s.pairs(&g.Equals) },
			"subset":  func() error { return s.pairs(&g.Subset) },
		}, "on", "to", "for")
	},
	"tag": func(s *statement, g *Given) error {
		t, err := s.next("tag")
		if err != nil {
			return err
		}
		if !t.pair || t.list || t.key == "" {
			return t.failf("a tag is written NAME=VALUE")
		}
		g.Tag = Pair{Key: t.key, Values: []string{t.values[0].Text}, Pos: t.pos}
		return s.options(options{"on": func() (err error) { g.On, err = s.names("key, user or role"); return err }}, "on")
	},
	"alias": func(s *statement, g *Given) error {
		return s.fact(g, "alias", options{"on": func() (err error) { g.On, err = s.names("key"); return err }}, "on")
	},
	"policy":   attached,
	"boundary": attached,
	"endpoint": func(s *statement, g *Given) error {
		return s.fact(g, "endpoint", options{
			"of":     func() (err error) { g.Account, err = s.once(g.Account, "account"); return err },
			"in":     func() (err error) { g.Regions, err = s.names("Region"); return err },
			"vpc":    func() (err error) { g.VPC, err = s.once(g.VPC, "VPC"); return err },
			"policy": func() (err error) { g.Policy, err = s.once(g.Policy, "policy"); return err },
		})
	},
	"service": func(s *statement, g *Given) error {
		return s.fact(g, "service", options{
			"for": func() (err error) { g.Accounts, err = s.names("account"); return err },
			"in":  func() (err error) { g.Regions, err = s.names("Region"); return err },
			"may": func() (err error) { g.Actions, err = s.names("action"); return err },
		})
	},
}

// attached reads a policy file and what it is attached to.
func attached(s *statement, g *Given) error {
	return s.fact(g, "file", options{"on": func() (err error) { g.On, err = s.names("key, user or role"); return err }}, "on")
}

// options read what follows a word.
type options map[string]func() error

// fact reads a name and its options, each at most once but pairs.
func (s *statement) fact(g *Given, what string, o options, required ...string) (err error) {
	if g.Name, err = s.once(Word{}, what); err != nil {
		return err
	}
	return s.options(o, required...)
}

func (s *statement) options(o options, required ...string) error {
	given := map[string]bool{}
	for s.more() {
		t, _ := s.next("option")
		read, known := o[t.word.Text]
		switch {
		case !known || !t.bare(t.word.Text):
			return t.failf("unknown word %q; known here are %s%s", t.raw, strings.Join(sorted(o), ", "), slip.Meant(t.raw, sorted(o)))
		case given[t.word.Text] && t.word.Text != "equals" && t.word.Text != "subset":
			return t.failf("a second %s", t.word.Text)
		}
		given[t.word.Text] = true
		if err := read(); err != nil {
			return err
		}
	}
	for _, word := range required {
		if !given[word] {
			return Error{Pos: s.end, Message: word + " is missing", Missing: word}
		}
	}
	return nil
}

// pairs reads NAME=VALUE of a constraint.
func (s *statement) pairs(to *[]Pair) error {
	t, err := s.next("pair")
	if err != nil {
		return err
	}
	if !t.pair || t.list {
		return t.failf("a pair of a constraint is written NAME=VALUE")
	}
	return pairInto(to, t)
}
