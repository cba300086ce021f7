package caseline

import (
	"maps"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/slip"
)

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// accesses are what a line that begins with no can be about.
var accesses = []string{"public", "cross-account"}

// assertion reads what follows only, nobody, no and else.
func (s *statement) assertion(c *Case) error {
	switch c.Kind {
	case Only:
		var err error
		if c.Request.Principals, err = s.names("principal"); err != nil {
			return err
		}
		return s.may(c)
	case Nobody:
		return s.may(c)
	case No:
		return s.noAccess(c)
	default:
		return s.otherwise(c)
	}
}

// may reads what only some may, or nobody.
func (s *statement) may(c *Case) error {
	err := s.literal("may")
	if err != nil {
		return err
	}
	if c.Request.Actions, err = s.names("action"); err != nil {
		return err
	}
	if s.more() && s.resourceFollows() {
		if c.Request.Resources, err = s.names("resource"); err != nil {
			return err
		}
	}
	if err := s.clauses(c); err != nil {
		return err
	}
	if len(c.Because) > 0 || c.Says != nil {
		return Error{Pos: c.Pos, Message: "this line speaks of all requests; it has no because and no says"}
	}
	return nil
}

// literal reads a word that must stand here.
func (s *statement) literal(word string) error {
	t, err := s.next(word)
	if err == nil && !t.bare(word) {
		err = t.failf("here stands the word %s", word)
	}
	return err
}

// noAccess reads: no public access to key/x except account.
func (s *statement) noAccess(c *Case) (err error) {
	if c.Access.To, err = s.take("public or cross-account"); err != nil {
		return err
	}
	if !slices.Contains(accesses, c.Access.To.Text) {
		return Error{Pos: c.Access.To.Pos, Message: "here stands one of " + strings.Join(accesses, ", ") + slip.Meant(c.Access.To.Text, accesses)}
	}
	if err := s.literal("access"); err != nil {
		return err
	}
	if s.more() && s.peek().bare("to") {
		s.at++
	}
	if c.Request.Resources, err = s.names("key"); err != nil {
		return err
	}
	if s.more() && s.peek().bare("except") {
		s.at++
		if c.Access.Except, err = s.names("account"); err != nil {
			return err
		}
	}
	if s.more() {
		return s.peek().failf("nothing can follow here but except ACCOUNT")
	}
	s.standing.under(&c.Request)
	return nil
}

// otherwise reads: else deny, with whom and what it is about.
func (s *statement) otherwise(c *Case) error {
	if err := s.literal("deny"); err != nil {
		return err
	}
	c.Request.Account = s.standing.Account
	for _, part := range []struct {
		what string
		to   *[]Word
	}{{"principal", &c.Request.Principals}, {"action", &c.Request.Actions}, {"resource", &c.Request.Resources}} {
		if !s.more() {
			return nil
		}
		names, err := s.names(part.what)
		if err != nil {
			return err
		}
		*part.to = names
	}
	if s.more() {
		return s.peek().failf("nothing can follow the resources: the requests are those of the other lines")
	}
	return nil
}
