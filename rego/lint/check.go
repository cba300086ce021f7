package lint

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// Check looks at a document that policy.Parse made. Findings are in the order
// of their places, then of their rules.
func Check(doc *policy.Document, o Options) []Finding {
	found, _ := CheckText(doc.Kind, []byte(doc.Text), o)
	return found
}

// CheckText looks at the text of a policy of kind k. Whatever policy.Parse
// refuses is among the findings; the Document is nil then. It is never silent
// about a text that it could not read.
func CheckText(k policy.Kind, text []byte, o Options) ([]Finding, *policy.Document) {
	c := &checker{kind: k, text: string(text), o: o}
	doc, tree, err := policy.Read(k, text)
	for commas := 0; tree == nil && commas < maxCommas && c.blankComma(err); commas++ {
		doc, tree, err = policy.Read(k, []byte(c.text))
	}
	if tree != nil {
		c.tree, c.places = tree, index(tree)
	}
	refused := err != nil || len(c.found) > 0
	if err != nil {
		c.faults(err)
	}
	if doc != nil {
		c.statements(doc)
	}
	if refused {
		doc = nil
	}
	return c.sorted(), doc
}

// maxCommas bounds how often a text is read again.
const maxCommas = 20

// blankComma tells of a comma too many and puts a blank in its place, so that
// the rest can be read with all places as they are.
func (c *checker) blankComma(err error) bool {
	var all policy.Errors
	if !errors.As(err, &all) {
		return false
	}
	e := all[len(all)-1]
	at, ok := c.commaBefore(e.Pos.Offset)
	if !ok || e.Code != policy.CodeSyntax {
		return false
	}
	c.mendSyntax(c.add(e.Code, e.Pos, "%s", sentence(e.Message)), e)
	c.text = c.text[:at] + " " + c.text[at+1:]
	return true
}

// sorted are the findings in the order of their places, then of their rules.
// A rule tells of one place once.
func (c *checker) sorted() []Finding {
	slices.SortStableFunc(c.found, func(a, b Finding) int {
		return cmp.Or(a.Span.Start.Offset-b.Span.Start.Offset, cmp.Compare(a.Rule, b.Rule))
	})
	return slices.CompactFunc(c.found, func(a, b Finding) bool { return a.Rule == b.Rule && a.Span.Start == b.Span.Start })
}

// faults turns what policy.Parse refuses into findings. They are errors,
// because the service refuses the policy for them; a principal that was
// deleted is one that the service itself wrote there.
func (c *checker) faults(err error) {
	var all policy.Errors
	if !errors.As(err, &all) {
		c.add("JSON_SYNTAX_ERROR", policy.Pos{Path: "$", Line: 1, Column: 1}, "%s", err)
		return
	}
	c.damage(all)
	for _, e := range all {
		if c.misspelled(e) {
			continue
		}
		id := c.faultRule(e)
		f := c.add(id, e.Pos, "%s", sentence(e.Message))
		if id != "INVALID_USER_REFERENCE" && id != "INVALID_ROLE_REFERENCE" {
			f.Severity = Error
		}
		if mend := menders[e.Code]; mend != nil {
			mend(c, f, e)
		}
	}
}

// faultRule is the rule that a fault of policy.Parse belongs to.
func (c *checker) faultRule(e policy.Error) string {
	switch {
	case c.kind == policy.Trust && e.Code == policy.CodePrincipalWildcard:
		return "ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL"
	case e.Code == policy.CodeDate && !dateLike.MatchString(c.word(e.Pos)):
		return "TYPE_MISMATCH_DATE"
	default:
		return e.Code
	}
}

// dateLike is what was meant to be a date.
var dateLike = regexp.MustCompile(`^[0-9]{4}-`)

// A checker looks at one text.
type checker struct {
	kind   policy.Kind
	text   string
	o      Options
	tree   *policy.Node // nil if the text is no JSON
	places map[int]place
	doc    *policy.Document
	facts  []facts
	// damaged are the paths of statements of whose conditions not all could be
	// read.
	damaged map[string]bool
	found   []Finding
}

// statements runs the checks over what could be read.
func (c *checker) statements(doc *policy.Document) {
	c.doc = doc
	c.facts = make([]facts, len(doc.Statements))
	for i := range doc.Statements {
		c.facts[i] = factsOf(&doc.Statements[i])
	}
	for _, check := range documentChecks {
		check(c)
	}
	for i := range c.facts {
		checks := statementChecks
		if !c.damaged[doc.Statements[i].Pos.Path] {
			checks = slices.Concat(statementChecks, wholeChecks)
		}
		for _, check := range checks {
			check(c, &c.facts[i])
		}
		for j := range doc.Statements[i].Conditions {
			for _, check := range conditionChecks {
				check(c, &c.facts[i], &doc.Statements[i].Conditions[j])
			}
		}
	}
}

// add makes a finding. Where the rule does not look at this kind of policy,
// the finding is thrown away.
func (c *checker) add(id string, at policy.Pos, format string, args ...any) *Finding {
	rule, ok := RuleNamed(id)
	f := Finding{Rule: id, Severity: rule.Severity, Message: fmt.Sprintf(format, args...), Kind: c.kind, Span: c.span(at)}
	if !ok {
		f.Severity = Error
	} else if c.kind.Valid() && !rule.On(c.kind) {
		return &f
	}
	c.found = append(c.found, f)
	return &c.found[len(c.found)-1]
}
