package caseline

import (
	"slices"
	"strings"
	"time"
)

// A Standing is what holds for lines that do not say otherwise: an account, a
// Region and a time, clauses of requests, and what the world holds besides.
// The zero value is that of a new file. Its parts are replaced, never changed,
// so that copies of it are independent.
type Standing struct {
	Account, Region Word
	At              time.Time
	Request         Request // clauses only
	Given           []Given
}

// A Given is something that the world holds beside what its files say.
type Given struct {
	Kind Word   // grant, tag, alias, policy, boundary, endpoint, service
	Name Word   // of the grant, the alias, the endpoint, the service; a policy's file
	Tag  Pair   // of a tag
	On   []Word // what it is attached to; a grant's or alias' key

	To, Retiree Word // of a grant
	Operations  []Word
	Equals      []Pair
	Subset      []Pair

	Account, VPC, Policy Word // of an endpoint

	Accounts, Regions, Actions []Word // that a service acts for; an endpoint's only Region

	Standing Word   // account in which names are looked up
	Text     string // as written, on one line
	Pos      Pos
}

// Set reads a line that holds for those after it: account, region, at or
// given. It is false for lines that are none of these.
func (d *Standing) Set(text string) (bool, error) {
	tokens, _, err := scan(text, 1)
	if err != nil || len(tokens) == 0 {
		return false, err
	}
	return newStatement(tokens, *d).setting(d)
}

// ParseRequest reads a request as it stands in a case line, without verdict and
// expectations.
func (d Standing) ParseRequest(text string) (Request, error) {
	tokens, _, err := scan(text, 1)
	if err != nil {
		return Request{}, err
	}
	s := &statement{tokens: tokens, end: Pos{1, len(text) + 1}, standing: d}
	var c Case
	if err := s.request(&c); err != nil {
		return c.Request, err
	}
	if len(c.Because) > 0 || c.Says != nil {
		return c.Request, Error{Pos: tokens[0].pos, Message: "a question has no expectation"}
	}
	return c.Request, nil
}

// ParseCase reads one case as it stands in a file.
func (d Standing) ParseCase(text string) (Case, error) {
	tokens, _, err := scan(text, 1)
	switch {
	case err != nil:
		return Case{}, err
	case len(tokens) == 0:
		return Case{}, Error{Pos: Pos{1, 1}, Message: "case is missing", Missing: "case"}
	}
	var c Case
	err = newStatement(tokens, d).parse(&c)
	return c, err
}

// setting reads a line that holds for those after it.
func (s *statement) setting(d *Standing) (bool, error) {
	first := s.tokens[0]
	next := *d
	var read func() error
	switch {
	case first.bare("account"):
		read = func() (err error) { next.Account, err = s.take("account"); return err }
	case first.bare("region"):
		read = func() (err error) { next.Region, err = s.take("Region"); return err }
	case first.bare("at"):
		read = func() (err error) { next.At, err = s.time(); return err }
	case first.bare("given"):
		read = func() error { return s.givens(&next) }
	default:
		return false, nil
	}
	s.at = 1
	if err := read(); err != nil {
		return true, err
	}
	if s.more() {
		return true, s.peek().failf("nothing can follow here")
	}
	*d = next
	return true, nil
}

// givens reads what follows given: nothing, a fact of the world, or clauses.
func (s *statement) givens(d *Standing) error {
	if !s.more() {
		return Error{Pos: s.end, Message: "what is given is missing: nothing, a clause, or one of " + strings.Join(factWords, ", "), Missing: "given"}
	}
	first := s.peek()
	read, isFact := facts[first.word.Text]
	switch {
	case first.bare("nothing"):
		s.at++
		d.Request, d.Given = Request{}, nil
		return nil
	case isFact && first.bare(first.word.Text):
		s.at++
		g := Given{Kind: first.word, Standing: d.Account, Text: s.text(), Pos: first.pos}
		if err := read(s, &g); err != nil {
			return err
		}
		d.Given = append(slices.Clip(d.Given), g)
		return nil
	}
	var c Case
	inner := &statement{tokens: s.tokens, at: s.at, end: s.end} // what stood is put under it below
	if err := inner.clauses(&c); err != nil {
		return err
	}
	s.at = inner.at
	if len(c.Because) > 0 || c.Says != nil {
		return first.failf("an expectation cannot stand for later lines")
	}
	if c.Request.Region.Text != "" {
		d.Region, c.Request.Region = c.Request.Region, Word{}
	}
	if !c.Request.At.IsZero() {
		d.At, c.Request.At = c.Request.At, time.Time{}
	}
	d.under(&c.Request)
	d.Request = standing(c.Request)
	return nil
}

// standing marks clauses as those of a given line.
func standing(r Request) Request {
	keys := make([]Pair, len(r.Keys))
	for i, p := range r.Keys {
		p.Standing = true
		keys[i] = p
	}
	absent := make([]Word, len(r.Absent))
	for i, w := range r.Absent {
		w.Standing = true
		absent[i] = w
	}
	r.Keys, r.Absent, r.Session.Standing = keys, absent, true
	r.Account, r.Region, r.At = Word{}, Word{}, time.Time{}
	return r
}

// under completes a request with what stands. What the request says itself
// goes before.
func (d Standing) under(r *Request) {
	r.Account = d.Account
	if r.Region.Text == "" {
		r.Region = d.Region
	}
	if r.At.IsZero() {
		r.At = d.At
	}
	own := *r
	for _, p := range d.Request.Keys {
		if !mentions(own, p.Key) {
			r.Keys = append(r.Keys, p)
		}
	}
	for _, w := range d.Request.Absent {
		if !mentions(own, w.Text) {
			r.Absent = append(r.Absent, w)
		}
	}
	if !r.Session.Given {
		r.Session = d.Request.Session
	}
	if r.Endpoint.Text == "" && len(r.Services) == 0 {
		r.Endpoint, r.Services = d.Request.Endpoint, d.Request.Services
	}
	if len(r.Grants) == 0 {
		r.Grants = d.Request.Grants
	}
}

// mentions tells whether a request says something of a condition key.
func mentions(r Request, key string) bool {
	return slices.ContainsFunc(r.Keys, func(p Pair) bool { return strings.EqualFold(p.Key, key) }) ||
		slices.ContainsFunc(r.Absent, func(w Word) bool { return strings.EqualFold(w.Text, key) })
}
