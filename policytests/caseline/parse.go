package caseline

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/keyreeve/keyreeve/rego/slip"
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
	p.file.scopes()
	if len(p.errors) > 0 {
		return p.file, p.errors
	}
	return p.file, nil
}

// scopes tells which else lines speak of the whole file: those whose group has
// no other lines.
func (f File) scopes() {
	others := map[int]bool{}
	for _, c := range f.Cases {
		others[c.Group] = others[c.Group] || c.Kind != Else
	}
	for i := range f.Cases {
		c := &f.Cases[i]
		c.Whole = c.Kind == Else && !others[c.Group]
	}
}

// ParseRequest reads a request as it stands in a case line, without verdict and
// expectations.
func ParseRequest(text string) (Request, error) { return Standing{}.ParseRequest(text) }

// ParseCase reads one case as it stands in a file. Tables and what stands for
// later lines (given, account, region, at) are no single case.
func ParseCase(text string) (Case, error) { return Standing{}.ParseCase(text) }

// A reader goes through the lines of a file.
type reader struct {
	file   File
	errors Errors

	title string // of the group at hand
	tags  []string
	group int
	cases bool // the group has cases already

	open     []string // lines of the statement at hand
	begin    int      // number of the first
	standing Standing
}

func (p *reader) report(err error) {
	if joined, several := err.(interface{ Unwrap() []error }); several {
		for _, err := range joined.Unwrap() {
			p.report(err)
		}
		return
	}
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
		p.newGroup()
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

func (p *reader) newGroup() {
	if p.cases {
		p.group++
	}
	p.title, p.tags, p.cases = "", nil, false
}

// comment is a line of the heading of a group. After cases it begins a new
// group.
func (p *reader) comment(text string) {
	if p.cases {
		p.newGroup()
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
	if err != nil {
		p.cases = true
		p.report(err)
		return
	}
	s := newStatement(tokens, p.standing)
	if set, err := s.setting(&p.standing); set || err != nil {
		if err != nil {
			p.report(err)
		}
		return
	}
	p.cases = true
	var cases []Case
	if s.peek().bare("table") {
		cases, err = s.table()
	} else {
		var c Case
		if err = s.parse(&c); err == nil {
			cases = []Case{c}
		}
	}
	if err != nil {
		p.report(err)
	}
	tags := slices.Clone(p.tags)
	for _, comment := range comments {
		tags = append(tags, leadingIDs(comment)...)
	}
	for _, c := range cases {
		c.Title, c.Tags, c.Group = p.title, tags, p.group
		p.file.Cases = append(p.file.Cases, c)
	}
}

// A statement is the tokens of one case, its continuation lines included.
type statement struct {
	tokens   []token
	at       int
	end      Pos
	standing Standing
	given    map[string]bool // clauses read so far
}

// newStatement makes a statement of one token or more.
func newStatement(tokens []token, standing Standing) *statement {
	last := tokens[len(tokens)-1]
	return &statement{tokens: tokens, end: Pos{last.pos.Line, last.pos.Column + len(last.raw)}, standing: standing}
}

// text is the statement on one line.
func (s *statement) text() string { return textOf(s.tokens) }

func textOf(tokens []token) string {
	raw := make([]string, len(tokens))
	for i, t := range tokens {
		raw[i] = breaks.ReplaceAllString(t.raw, " ")
	}
	return strings.Join(raw, " ")
}

func (s *statement) more() bool { return s.at < len(s.tokens) }

func (s *statement) peek() token { return s.tokens[s.at] }

func (s *statement) next(what string) (token, error) {
	if !s.more() {
		return token{}, Error{Pos: s.end, Message: what + " is missing", Missing: what}
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

// times are the ways to write a time.
var times = []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02"}

func (s *statement) time() (time.Time, error) {
	t, err := s.next("time")
	if err != nil {
		return time.Time{}, err
	}
	for _, layout := range times {
		if at, err := time.Parse(layout, t.word.Text); err == nil && !t.list {
			if at.Nanosecond() != 0 {
				return time.Time{}, t.failf("a request has its time in whole seconds")
			}
			return at.UTC(), nil
		}
	}
	return time.Time{}, t.failf("a time is written 2026-11-23 or 2026-11-23T09:30:00Z")
}

// oneOf lists words: a, b or c.
func oneOf(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

func (s *statement) parse(c *Case) error {
	first, err := s.next("case")
	if err != nil {
		return err
	}
	kind, known := kinds[first.word.Text]
	if !known || first.list || first.pair || first.word.Quoted {
		return first.failf("a line begins with %s%s", oneOf(beginnings), slip.Meant(first.raw, beginnings))
	}
	c.Kind, c.Pos, c.Text, c.Given = kind, first.pos, s.text(), s.standing.Given
	switch {
	case kind.Documents():
		return s.document(c)
	case kind.Assertion():
		return s.assertion(c)
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
