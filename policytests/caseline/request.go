package caseline

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/rego/slip"
)

// clauses are the words that begin a clause of a request.
var clauses = []string{"session", "with", "via", "at", "in", "grant", "grant-token", "because", "says"}

func (s *statement) request(c *Case) (err error) {
	r := &c.Request
	if r.Principals, err = s.names("principal"); err != nil {
		return err
	}
	if r.Actions, err = s.names("action"); err != nil {
		return err
	}
	if s.more() && s.resourceFollows() {
		if r.Resources, err = s.names("resource"); err != nil {
			return err
		}
	}
	return s.clauses(c)
}

// clauses reads the rest of the line, and puts what stands under it.
func (s *statement) clauses(c *Case) error {
	s.given = map[string]bool{}
	for s.more() {
		if err := s.clause(c); err != nil {
			return err
		}
	}
	s.standing.under(&c.Request)
	return nil
}

// resourceFollows tells whether what follows is no clause.
func (s *statement) resourceFollows() bool {
	t := s.peek()
	return !t.pair && !strings.HasPrefix(t.raw, "!") && (t.list || t.word.Quoted || !slices.Contains(clauses, t.word.Text))
}

// names reads a name, or a list of names in brackets.
func (s *statement) names(what string) ([]Word, error) {
	t, err := s.next(what)
	if err != nil {
		return nil, err
	}
	switch {
	case t.pair && t.list:
		return nil, t.failf("here stands a %s, not a condition", what)
	case !t.list && t.word.Text == "":
		return nil, t.failf("the %s is empty", what)
	case !t.list:
		return []Word{t.word}, nil
	case len(t.values) == 0:
		return nil, t.failf("the list of %ss is empty", what)
	}
	return t.values, nil
}

func (s *statement) clause(c *Case) error {
	t, _ := s.next("clause")
	r := &c.Request
	switch {
	case t.pair:
		return pairInto(&r.Keys, t)
	case !t.list && strings.HasPrefix(t.raw, "!"):
		return absentInto(&r.Absent, t)
	case t.list || t.word.Quoted:
		return t.failf("here stands a clause: KEY=VALUE, !KEY, or one of %s", strings.Join(clauses, ", "))
	}
	read, known := clauseReaders[t.word.Text]
	switch {
	case !known:
		return t.failf("unknown clause %q; known are KEY=VALUE, !KEY, %s%s", t.word.Text, strings.Join(clauses, ", "), slip.Meant(t.word.Text, clauses))
	case s.given[t.word.Text] && slices.Contains([]string{"at", "in"}, t.word.Text):
		return t.failf("a second %s", t.word.Text)
	}
	s.given[t.word.Text] = true
	return read(s, c)
}

func pairInto(to *[]Pair, t token) error {
	if t.key == "" {
		return t.failf("a name is missing before the equals sign")
	}
	p := Pair{Key: t.key, List: t.list, Pos: t.pos}
	for _, v := range t.values {
		p.Values = append(p.Values, v.Text)
	}
	if len(p.Values) == 0 {
		return t.failf("the list is empty; an absent key is written !%s", t.key)
	}
	*to = append(*to, p)
	return nil
}

func absentInto(to *[]Word, t token) error {
	name := strings.TrimPrefix(t.word.Text, "!")
	if name == "" {
		return t.failf("a condition key is missing after the exclamation mark")
	}
	*to = append(*to, Word{Text: name, Quoted: t.word.Quoted, Pos: t.pos})
	return nil
}

// clauseReaders read what follows the word of a clause.
var clauseReaders = map[string]func(*statement, *Case) error{
	"session": func(s *statement, c *Case) (err error) {
		c.Request.Session.Given = true
		c.Request.Session.Name, err = s.once(c.Request.Session.Name, "session name")
		return err
	},
	"with":        func(s *statement, c *Case) error { return s.with(&c.Request.Session) },
	"via":         func(s *statement, c *Case) error { return s.via(&c.Request) },
	"at":          func(s *statement, c *Case) (err error) { c.Request.At, err = s.time(); return err },
	"in":          func(s *statement, c *Case) (err error) { c.Request.Region, err = s.once(Word{}, "Region"); return err },
	"grant":       func(s *statement, c *Case) error { return s.each(&c.Request.Grants, "grant") },
	"grant-token": func(s *statement, c *Case) error { return s.each(&c.Request.Grants, "grant") },
	"because":     (*statement).because,
	"says":        (*statement).says,
}

// once reads a word that can be given once.
func (s *statement) once(before Word, what string) (Word, error) {
	w, err := s.take(what)
	if err == nil && before.Text != "" {
		err = Error{Pos: w.Pos, Message: "a second " + what}
	}
	if err == nil && w.Text == "" {
		err = Error{Pos: w.Pos, Message: "the " + what + " is empty"}
	}
	return w, err
}

// each reads one word or a list of them.
func (s *statement) each(to *[]Word, what string) error {
	names, err := s.names(what)
	*to = append(*to, names...)
	return err
}

// with reads what a session brings.
func (s *statement) with(session *Session) error {
	what, err := s.next("what the session comes with")
	if err != nil {
		return err
	}
	session.Given = true
	switch {
	case what.bare("policy"):
		return s.each(&session.Policies, "policy")
	case what.bare("tag"):
		t, err := s.next("tag")
		if err != nil {
			return err
		}
		if !t.pair || t.list {
			return t.failf("a tag is written NAME=VALUE")
		}
		return pairInto(&session.Tags, t)
	case what.bare("source-identity"):
		session.SourceIdentity, err = s.once(session.SourceIdentity, "source identity")
		return err
	case what.bare("mfa"):
		return s.mfa(&session.MFA)
	default:
		return what.failf("a session comes with a policy, a tag, a source-identity or mfa")
	}
}

// mfa reads how many seconds ago MFA was proved, or none.
func (s *statement) mfa(m *MFA) error {
	t, err := s.next("seconds, or none")
	if err != nil {
		return err
	}
	if m.Given {
		return t.failf("a second mfa")
	}
	m.Given = true
	if t.bare("none") {
		return nil
	}
	seconds, err := strconv.ParseUint(t.word.Text, 10, 31)
	if err != nil || t.list {
		return t.failf("here stands how many seconds ago MFA was proved, or none")
	}
	m.Present, m.Age = true, time.Duration(seconds)*time.Second
	return nil
}

func (s *statement) via(r *Request) error {
	what, err := s.next("endpoint or service")
	if err != nil {
		return err
	}
	switch {
	case what.bare("endpoint"):
		r.Endpoint, err = s.once(r.Endpoint, "endpoint")
	case what.bare("service"):
		err = s.each(&r.Services, "service")
	default:
		err = what.failf("a request comes via an endpoint or via a service")
	}
	return err
}

// because reads the expectations, up to the end or to says.
func (s *statement) because(c *Case) error {
	for s.more() && !s.peek().bare("says") {
		w, err := s.take("reason")
		if err != nil {
			return err
		}
		c.Because = append(c.Because, w)
	}
	if len(c.Because) == 0 {
		return Error{Pos: s.end, Message: "a layer, a reason or a statement is missing", Missing: "reason"}
	}
	return nil
}

func (s *statement) says(c *Case) error {
	w, err := s.take("sentence")
	if err != nil {
		return err
	}
	c.Says = &w
	if s.more() {
		return s.peek().failf("nothing can follow the sentence")
	}
	return nil
}

// documentKinds are what an accept or refuse line can be about.
var documentKinds = []string{
	"key-policy", "iam-policy", "boundary", "session-policy", "scp", "rcp", "endpoint-policy", "trust-policy", "grant",
}

// document reads what follows accept or refuse.
func (s *statement) document(c *Case) (err error) {
	d := &c.Document
	d.Account = s.standing.Account
	if d.Kind, err = s.take("kind of document"); err != nil {
		return err
	}
	if !slices.Contains(documentKinds, d.Kind.Text) {
		return Error{Pos: d.Kind.Pos, Message: "here stands one of " + strings.Join(documentKinds, ", ") + slip.Meant(d.Kind.Text, documentKinds)}
	}
	if d.File, err = s.take("file"); err != nil {
		return err
	}
	for s.more() {
		t, _ := s.next("clause")
		switch {
		case t.bare("by"):
			d.By, err = s.once(d.By, "principal")
		case t.bare("on"):
			d.On, err = s.once(d.On, "key")
		case t.bare("bypass"):
			d.Bypass = true
		case t.bare("because") && c.Kind == Refuse:
			err = s.because(c)
		case t.bare("says") && c.Kind == Refuse:
			err = s.says(c)
		default:
			err = t.failf("unknown clause %q; known are by, on, bypass, and for refuse because, says", t.raw)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
