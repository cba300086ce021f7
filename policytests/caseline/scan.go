package caseline

import (
	"fmt"
	"strings"
)

// A token is what stands between blanks: a word, a list, or KEY=VALUE.
type token struct {
	pos    Pos
	raw    string
	word   Word   // all of it, if it is no list
	key    string // before the first "=" outside of quotes
	pair   bool
	values []Word // of a list, or after "="
	list   bool
}

// bare tells whether the token is the given word, outside of quotes.
func (t token) bare(word string) bool {
	return !t.pair && !t.list && !t.word.Quoted && t.word.Text == word
}

// A scanner takes a statement apart, which may go over several lines.
type scanner struct {
	text  string
	line  int // number of the line at hand
	at    int
	begin int // of the line at hand
	seen  int // how far lines were counted
}

// pos is the place at hand. Places are asked for in their order, or on the
// line at hand, so each byte is looked at once.
func (s *scanner) pos() Pos {
	for s.seen < s.at {
		i := strings.IndexByte(s.text[s.seen:s.at], '\n')
		if i < 0 {
			s.seen = s.at
			break
		}
		s.line, s.begin, s.seen = s.line+1, s.seen+i+1, s.seen+i+1
	}
	return Pos{s.line, s.at - s.begin + 1}
}

func (s *scanner) failf(format string, args ...any) error {
	return Error{Pos: s.pos(), Message: fmt.Sprintf(format, args...)}
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func (s *scanner) skip() {
	for s.at < len(s.text) && blank(s.text[s.at]) {
		s.at++
	}
}

// scan lists the tokens of a statement and its comments, one a line.
func scan(text string, line int) (tokens []token, comments []string, err error) {
	s := &scanner{text: text, line: line}
	for {
		s.skip()
		switch {
		case s.at == len(s.text):
			return tokens, comments, nil
		case s.text[s.at] == '#':
			comment, _, _ := strings.Cut(s.text[s.at:], "\n")
			comments = append(comments, strings.TrimSpace(comment[1:]))
			s.at += len(comment)
			continue
		}
		t, err := s.token()
		if err != nil {
			return tokens, comments, err
		}
		tokens = append(tokens, t)
	}
}

func (s *scanner) token() (token, error) {
	begin := s.at
	t := token{pos: s.pos()}
	var err error
	if s.text[s.at] == '[' {
		t.list = true
		t.values, err = s.items()
	} else {
		err = s.wordOrPair(&t)
	}
	if err == nil && s.at < len(s.text) && !blank(s.text[s.at]) {
		err = s.failf("a blank is missing after the list")
	}
	t.raw = s.text[begin:s.at]
	return t, err
}

func (s *scanner) wordOrPair(t *token) error {
	whole, quoted := "", false
	for first := true; ; first = false {
		part, err := s.word(func(c byte) bool { return blank(c) || first && c == '=' })
		if err != nil {
			return err
		}
		whole += part.Text
		quoted = quoted || part.Quoted
		if !first {
			t.values = []Word{part}
			break
		}
		if s.at == len(s.text) || s.text[s.at] != '=' {
			break
		}
		t.pair, t.key = true, part.Text
		whole += "="
		s.at++
		if s.at < len(s.text) && s.text[s.at] == '[' {
			t.list = true
			t.values, err = s.items()
			return err
		}
	}
	t.word = Word{Text: whole, Quoted: quoted, Pos: t.pos}
	return nil
}

// word reads up to a byte that ends it; quotes protect what they enclose.
func (s *scanner) word(ends func(byte) bool) (Word, error) {
	w := Word{Pos: s.pos()}
	var b strings.Builder
	for s.at < len(s.text) {
		c := s.text[s.at]
		switch {
		case c == '"':
			w.Quoted = true
			if err := s.quoted(&b); err != nil {
				return w, err
			}
			continue
		case ends(c):
			w.Text = b.String()
			return w, nil
		}
		b.WriteByte(c)
		s.at++
	}
	w.Text = b.String()
	return w, nil
}

// quoted reads a text in quotes, in which \" and \\ stand for the characters.
func (s *scanner) quoted(b *strings.Builder) error {
	begin := s.at
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case '"':
			s.at++
			return nil
		case '\n':
			s.at = begin
			return s.failf("the quote is not closed on this line")
		case '\\':
			s.at++
			if s.at == len(s.text) || s.text[s.at] != '"' && s.text[s.at] != '\\' {
				return s.failf(`after a backslash only " and \ can stand`)
			}
			b.WriteByte(s.text[s.at])
		default:
			b.WriteByte(c)
		}
	}
	s.at = begin
	return s.failf("the quote is not closed on this line")
}

// items reads a list in brackets. An empty one is the empty list.
func (s *scanner) items() ([]Word, error) {
	begin := s.pos()
	s.at++
	items := []Word{}
	for {
		s.skip()
		if s.at < len(s.text) && s.text[s.at] == ']' && len(items) == 0 {
			s.at++
			return items, nil
		}
		item, err := s.word(func(c byte) bool { return blank(c) || c == ',' || c == ']' })
		if err != nil {
			return nil, err
		}
		if item.Text == "" && !item.Quoted {
			return nil, s.failf("a value is missing in the list")
		}
		items = append(items, item)
		s.skip()
		switch {
		case s.at == len(s.text):
			return nil, Error{Pos: begin, Message: "the list is not closed"}
		case s.text[s.at] == ']':
			s.at++
			return items, nil
		case s.text[s.at] != ',':
			return nil, s.failf("a comma is missing in the list")
		}
		s.at++
	}
}
