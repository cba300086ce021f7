package caseline

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Parse reads a file of cases; name is for messages. offset is added to line
// numbers: the number of lines before the text, where it is part of another
// file. What is wrong comes back as Errors, beside the cases that are right.
func Parse(name, text string, offset int) (File, error) {
	p := &reader{file: File{Name: name}}
	for i, line := range strings.Split(text, "\n") {
		p.line(line, offset+i+1)
	}
	p.flush()
	if len(p.errors) > 0 {
		return p.file, p.errors
	}
	return p.file, nil
}

// ParseRequest reads a request as it stands in a case line, without verdict and
// expectations.
func ParseRequest(text string) (Request, error) {
	tokens, _, err := scan(text, 1)
	if err != nil {
		return Request{}, err
	}
	s := &statement{tokens: tokens, end: Pos{1, len(text) + 1}}
	var c Case
	if err := s.request(&c); err != nil {
		return c.Request, err
	}
	if len(c.Because) > 0 || c.Says != nil {
		return c.Request, Error{Pos: tokens[0].pos, Message: "a question has no expectation"}
	}
	return c.Request, nil
}

// A reader goes through the lines of a file.
type reader struct {
	file   File
	errors Errors

	title string // of the group at hand
	tags  []string
	cases bool // the group has cases already

	open     []string // lines of the statement at hand
	begin    int      // number of the first
	defaults defaults
}

// defaults hold for the lines after the setting.
type defaults struct {
	account, region Word
	at              time.Time
}

func (p *reader) report(err error) {
	var e Error
	if !errors.As(err, &e) {
		e = Error{Message: err.Error()}
	}
	e.File = p.file.Name
	p.errors = append(p.errors, e)
}

func (p *reader) line(text string, number int) {
	trimmed := strings.TrimSpace(text)
	continues := text != "" && blank(text[0]) && trimmed != ""
	if !continues {
		p.flush()
	}
	switch {
	case !utf8.ValidString(text):
		p.report(Error{Pos: Pos{number, 1}, Message: "the line is not UTF-8"})
	case trimmed == "":
		p.title, p.tags, p.cases = "", nil, false
	case trimmed[0] == '#' && len(p.open) == 0:
		p.comment(strings.TrimSpace(trimmed[1:]))
	case continues && len(p.open) == 0:
		p.report(Error{Pos: Pos{number, 1}, Message: "a line that begins with a blank continues the one before, and there is none"})
	default:
		if len(p.open) == 0 {
			p.begin = number
		}
		p.open = append(p.open, text)
	}
}

// comment is a line of the heading of a group. After cases it begins a new
// group.
func (p *reader) comment(text string) {
	if p.cases {
		p.title, p.tags, p.cases = "", nil, false
	}
	if p.title == "" {
		p.title = text
	}
	p.tags = append(p.tags, leadingIDs(text)...)
}

var (
	id     = regexp.MustCompile(`^[A-Z]{1,5}-[0-9]+$`)
	letter = regexp.MustCompile(`^[a-z]$`)
	breaks = regexp.MustCompile(`[ \t\r]*\n[ \t\r]*`)
)

// leadingIDs takes the ids of requirements that a comment begins with, as in
// "A-13 b, A-14: the account principal delegates".
func leadingIDs(comment string) []string {
	var ids []string
	for _, word := range strings.Fields(comment) {
		bare := strings.TrimRight(word, ",;:.")
		switch {
		case id.MatchString(bare):
			ids = append(ids, bare)
		case len(ids) > 0 && (bare == "and" || bare == "to" || letter.MatchString(bare)):
		default:
			return ids
		}
		if strings.HasSuffix(word, ":") {
			return ids
		}
	}
	return ids
}

// flush ends the statement at hand.
func (p *reader) flush() {
	if len(p.open) == 0 {
		return
	}
	tokens, comments, err := scan(strings.Join(p.open, "\n"), p.begin)
	p.open = nil
	p.cases = true
	if err != nil {
		p.report(err)
		return
	}
	raw := make([]string, len(tokens))
	for i, t := range tokens {
		raw[i] = breaks.ReplaceAllString(t.raw, " ")
	}
	last := tokens[len(tokens)-1]
	s := &statement{tokens: tokens, end: Pos{last.pos.Line, last.pos.Column + len(last.raw)}, defaults: p.defaults}
	if set, err := s.setting(&p.defaults); set || err != nil {
		if err != nil {
			p.report(err)
		}
		return
	}
	c := Case{Pos: tokens[0].pos, Text: strings.Join(raw, " "), Title: p.title, Tags: slices.Clone(p.tags)}
	for _, comment := range comments {
		c.Tags = append(c.Tags, leadingIDs(comment)...)
	}
	if err := s.parse(&c); err != nil {
		p.report(err)
		return
	}
	p.file.Cases = append(p.file.Cases, c)
}

// A statement is the tokens of one case, its continuation lines included.
type statement struct {
	tokens   []token
	at       int
	end      Pos
	defaults defaults
	given    map[string]bool // clauses read so far
}

func (s *statement) more() bool { return s.at < len(s.tokens) }

func (s *statement) peek() token { return s.tokens[s.at] }

func (s *statement) next(what string) (token, error) {
	if !s.more() {
		return token{}, Error{Pos: s.end, Message: what + " is missing"}
	}
	s.at++
	return s.tokens[s.at-1], nil
}

// take reads one plain word.
func (s *statement) take(what string) (Word, error) {
	t, err := s.next(what)
	if err != nil {
		return Word{}, err
	}
	if t.list {
		return Word{}, t.failf("here stands one %s, not a list", what)
	}
	return t.word, nil
}

func (t token) failf(format string, args ...any) error {
	return Error{Pos: t.pos, Message: fmt.Sprintf(format, args...)}
}

// setting reads a line that holds for those after it.
func (s *statement) setting(d *defaults) (bool, error) {
	first := s.tokens[0]
	var read func() error
	switch {
	case first.bare("account"):
		read = func() (err error) { d.account, err = s.take("account"); return err }
	case first.bare("region"):
		read = func() (err error) { d.region, err = s.take("Region"); return err }
	case first.bare("at"):
		read = func() (err error) { d.at, err = s.time(); return err }
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
	return true, nil
}

// times are the ways to write a time.
var times = []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02"}

func (s *statement) time() (time.Time, error) {
	t, err := s.next("time")
	if err != nil {
		return time.Time{}, err
	}
	for _, layout := range times {
		if at, err := time.Parse(layout, t.word.Text); err == nil && !t.list {
			return at.UTC(), nil
		}
	}
	return time.Time{}, t.failf("a time is written 2026-11-23 or 2026-11-23T09:30:00Z")
}

func (s *statement) parse(c *Case) error {
	first, err := s.next("case")
	if err != nil {
		return err
	}
	kind, known := kinds[first.word.Text]
	if !known || first.list || first.pair || first.word.Quoted {
		return first.failf("a line begins with allow, deny, text, accept, refuse, account, region or at")
	}
	c.Kind = kind
	if kind.Documents() {
		return s.document(c)
	}
	if err := s.request(c); err != nil {
		return err
	}
	if kind == Text && c.Says == nil {
		return Error{Pos: s.end, Message: `a text line ends with says "…"`}
	}
	if kind == Allow && c.Says != nil {
		return Error{Pos: c.Says.Pos, Message: "only a refusal says something"}
	}
	return nil
}
