package caseline

import (
	"errors"
	"slices"
	"strings"
)

// A Completion says what can stand at the end of a line that is being typed.
type Completion struct {
	// Slot is what stands here: "line" for the word that a line begins with,
	// "principal", "action", "resource", "clause", "Region", "endpoint",
	// "service", "policy", "grant", "account", "key", "file", … as messages
	// call it. Empty if what stands before is wrong, or nothing can follow.
	Slot string
	// Words can stand here as they are: keywords.
	Words []string
	// Part is what is there already of the word.
	Part string
	// Case is what was read before.
	Case Case
}

// Complete says what can stand at the end of text, the beginning of a line. For
// the REPL, whose lines have no verdict, question is true.
func (d Standing) Complete(text string, question bool) Completion {
	begin := strings.LastIndexAny(text, " \t\n[,") + 1
	c := Completion{Part: text[begin:]}
	before := text[:begin]
	if i := strings.LastIndexByte(before, '['); i >= 0 && !strings.Contains(before[i:], "]") {
		before = before[:i] // in a list stands what would stand in its place
	}
	tokens, _, err := scan(before, 1)
	if err != nil {
		return c
	}
	s := &statement{tokens: tokens, end: Pos{1, len(before) + 1}, standing: d}
	switch {
	case question:
		err = s.request(&c.Case)
	case len(tokens) == 0:
		c.Slot, c.Words = "line", beginnings
		return c
	default:
		var set bool
		if set, err = s.setting(&d); !set && err == nil {
			err = s.parse(&c.Case)
		}
	}
	c.expect(s, err)
	return c
}

// expect turns the end of parsing into what can follow.
func (c *Completion) expect(s *statement, err error) {
	var e Error
	switch {
	case err == nil && (c.Case.Kind.Documents() || c.Case.Kind == No || c.Case.Kind == Else):
	case err == nil && len(c.Case.Request.Resources) == 0 && c.Case.Request.bare():
		c.Slot, c.Words = "resource", clauses
	case err == nil && len(c.Case.Because) > 0:
		c.Slot = "reason"
	case err == nil:
		c.Slot, c.Words = "clause", clauses
	case errors.As(err, &e) && e.Missing != "":
		c.Slot = e.Missing
		c.Words = slices.Clone(literals[e.Missing])
	}
}

// bare tells whether a request has no clauses yet.
func (r Request) bare() bool { return len(r.Clauses()) == 0 }

// literals are the words that can stand in a slot.
var literals = map[string][]string{
	"endpoint or service":         {"endpoint", "service"},
	"what the session comes with": {"policy", "tag", "source-identity", "mfa"},
	"seconds, or none":            {"none"},
	"kind of document":            documentKinds,
	"public or cross-account":     accesses,
	"may":                         {"may"},
	"access":                      {"access"},
	"deny":                        {"deny"},
	"given":                       append([]string{"nothing"}, factWords...),
	"on":                          {"on"},
	"to":                          {"to"},
	"for":                         {"for"},
}
