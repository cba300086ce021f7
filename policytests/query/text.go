package query

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests/report"
	"github.com/keyreeve/keyreeve/policytests/safetext"
)

// WriteText writes the explanation for people: the answer, its reason, and a
// table of what each layer said.
func (x Explanation) WriteText(w io.Writer, style report.Style) error {
	p := &printer{w: w, style: style}
	ink, verdict := report.Bad, "denied"
	if x.Allowed {
		ink, verdict = report.Good, "allowed"
	}
	p.line(style.Paint(ink, verdict) + "  " + x.subject())
	p.line("")
	p.wrap(x.Words)
	p.line("")
	p.table([]string{"LAYER", "RESULT", "STATEMENT", "WHERE"}, x.rows())
	if x.Nearest != nil {
		p.line("")
		p.wrap("Nearest miss: " + x.Nearest.String())
	}
	x.allowedWhen(p)
	for _, n := range x.Notes {
		p.line("")
		p.wrap("Note: " + n)
	}
	if x.Sentence != "" {
		p.line("")
		p.line("The caller reads:")
		p.indent(x.Sentence, "  ")
	}
	return p.err
}

// allowedWhen tells which requests for the same are allowed.
func (x Explanation) allowedWhen(p *printer) {
	w := x.When
	if w == nil || w.Verdict == Always && x.Allowed {
		return
	}
	what := w.Principal + " " + w.Action + " " + w.Resource
	p.line("")
	switch w.Verdict {
	case Never:
		p.wrap("No request for " + what + " is allowed, whatever it brings.")
	case Unknown:
		p.wrap("Which requests for " + what + " are allowed is not known: " + w.Why + ".")
	case Always:
		p.wrap("The plain request " + what + " is allowed, through " + w.Ways[0].through() + ".")
	default:
		p.line(safetext.Text(what) + " is allowed")
		for i, way := range w.Ways {
			lead := "when "
			if i > 0 {
				lead = "or when "
			}
			p.indent(lead+way.text()+", through "+way.through(), "  ")
		}
	}
}

// subject is the request, or what the engine was asked where there is none.
func (x Explanation) subject() string {
	if x.Request != "" {
		return safetext.Text(x.Request)
	}
	e := x.Evidence
	return safetext.Text(e.Principal + " " + e.Action + " " + e.Resource)
}

// rows are those of the table of layers: a line for each statement. What is
// not attached is left out, and levels of an organization that have nothing
// against the request are one.
func (x Explanation) rows() [][]string {
	var rows [][]string
	for i, l := range x.Layers {
		switch {
		case x.quiet(l.Layer) && l.Level > 0:
			continue
		case x.quiet(l.Layer):
			rows = append(rows, []string{fmt.Sprintf("%s (%d levels)", layerNames[l.Layer], x.levels(l.Layer)), l.Result, x.names(l.Layer), ""})
		case l.Result == NotAttached && l.Layer != decision.LayerGrant:
		case len(l.Statements) == 0:
			rows = append(rows, []string{l.Name, l.Result, x.fill(l), ""})
		default:
			rows = append(rows, statementRows(x.Layers[i])...)
		}
	}
	return rows
}

// fill is what stands in the place of statements.
func (x Explanation) fill(l Layer) string {
	if l.Layer == decision.LayerGrant {
		return strings.Join(x.Grants, ", ")
	}
	return ""
}

func statementRows(l Layer) [][]string {
	rows := make([][]string, len(l.Statements))
	for i, s := range l.Statements {
		rows[i] = []string{"", "", statementText(s), s.Place()}
	}
	rows[0][0], rows[0][1] = l.Name, l.Result
	return rows
}

// quiet tells whether all of several levels of a layer say the same, and have
// nothing against the request.
func (x Explanation) quiet(layer decision.Layer) bool {
	return x.levels(layer) > 1 && !slices.ContainsFunc(x.Layers, func(l Layer) bool {
		return l.Layer == layer && l.Result != Allows && l.Result != NoDeny
	})
}

func (x Explanation) levels(layer decision.Layer) int {
	n := 0
	for _, l := range x.Layers {
		if l.Layer == layer {
			n++
		}
	}
	return n
}

// names are those of the statements of all levels of a layer.
func (x Explanation) names(layer decision.Layer) string {
	var all []Statement
	for _, l := range x.Layers {
		if l.Layer == layer {
			all = append(all, l.Statements...)
		}
	}
	return named(all)
}

// statementText names a statement, and by what it matched.
func statementText(s Statement) string {
	if s.Layer == decision.LayerGuardrail {
		return s.Reason
	}
	text := s.Effect + " " + s.Name()
	if by := viaText(s.Via); by != "" {
		text += ", for " + by
	}
	return text
}

var viaWords = map[decision.Via]string{
	decision.ViaEveryone: "everyone", decision.ViaAccount: "the account", decision.ViaUser: "the user", decision.ViaRole: "the role",
	decision.ViaSession: "the session", decision.ViaService: "the service", decision.ViaProvider: "the identity provider",
}

func viaText(all []decision.Via) string {
	var words []string
	for _, v := range all {
		if w := viaWords[v]; w != "" {
			words = append(words, w)
		}
	}
	return strings.Join(words, ", ")
}

// String says which condition of which statement failed, wanted and actual.
func (n Nearest) String() string {
	place := n.Statement.Place()
	if n.File != "" {
		place = fmt.Sprintf("%s:%d", n.File, n.Line)
	}
	if place != "" {
		place = " (" + place + ")"
	}
	actual := "the request has no " + n.Key
	if len(n.Actual) > 0 {
		actual = "the request has " + alternatives(n.Actual)
	}
	said := fmt.Sprintf("%s would have allowed, but for one condition%s: %s %s wants %s, and %s.",
		n.Statement.Name(), place, n.Operator, n.Key, alternatives(n.Wanted), actual)
	for _, name := range slices.Sorted(maps.Keys(n.Variables)) {
		switch values := n.Variables[name]; len(values) {
		case 0:
			said += fmt.Sprintf(" The request has no %s.", name)
		case 1:
			said += fmt.Sprintf(" %s is %s.", name, word(values[0], true))
		default:
			said += fmt.Sprintf(" %s has several values, so it stands for none of them.", name)
		}
	}
	return said
}

// alternatives lists values.
func alternatives(all []string) string {
	words := make([]string, len(all))
	for i, v := range all {
		words[i] = word(v, true)
	}
	return strings.Join(words, " or ")
}

func contains(all []string, one string) bool { return slices.Contains(all, one) }

// A printer writes lines and keeps the first error.
type printer struct {
	w     io.Writer
	style report.Style
	err   error
}

func (p *printer) line(text string) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, p.style.Safe(text))
	}
}

func (p *printer) wrap(text string) { p.indent(text, "") }

func (p *printer) indent(text, by string) { p.line(p.style.Wrap(safetext.Text(text), by)) }

// table writes a table without blanks at the ends of its lines.
func (p *printer) table(header []string, rows [][]string) {
	for i, row := range rows {
		for len(row) > 1 && row[len(row)-1] == "" {
			row = row[:len(row)-1]
		}
		rows[i] = row
	}
	if p.err == nil {
		p.err = p.style.Table(p.w, header, rows)
	}
}

// WriteText writes what would allow a request, for people.
func (r Remedy) WriteText(w io.Writer, style report.Style) error {
	p := &printer{w: w, style: style}
	x := r.Explanation
	if x.Allowed {
		p.line(style.Paint(report.Good, "allowed") + "  " + x.subject())
		p.line("")
		p.wrap("There is nothing to change. " + x.Words)
		return p.err
	}
	p.line(style.Paint(report.Bad, "denied") + "  " + x.subject())
	p.line("")
	p.wrap(x.Words)
	if x.Nearest != nil {
		p.line("")
		p.wrap("Nearest miss: " + x.Nearest.String())
	}
	if len(r.Hard) > 0 {
		p.line("")
		p.line("No Allow and no grant overrides:")
		for _, s := range r.Hard {
			p.indent(strings.TrimSpace(statementText(s)+"  "+s.Place()), "  ")
		}
	}
	p.line("")
	if len(r.Proposals) == 0 {
		p.wrap(r.Why)
		return p.err
	}
	p.wrap(r.heading())
	for i, proposal := range r.Proposals {
		p.line("")
		p.proposal(i+1, proposal, x.Request)
	}
	return p.err
}

func (r Remedy) heading() string {
	switch n := len(r.Proposals[0].Edits); {
	case n == 1 && len(r.Proposals) == 1:
		return "This change would allow it; it was tried in the engine:"
	case n == 1:
		return "Any one of these changes would allow it; each was tried in the engine:"
	case len(r.Proposals) == 1:
		return fmt.Sprintf("No single change would allow it; these %d together would, and were tried in the engine:", n)
	default:
		return fmt.Sprintf("No single change would allow it. Each of these, of %d edits together, would, and was tried in the engine:", n)
	}
}

// proposal writes one proposal, with what to write where.
func (p *printer) proposal(n int, proposal Proposal, asked string) {
	for i, e := range proposal.Edits {
		lead := fmt.Sprintf("%d. ", n)
		if i > 0 {
			lead = "   and "
		}
		place := ""
		switch {
		case e.File != "" && e.Line > 0:
			place = fmt.Sprintf("  (%s:%d)", e.File, e.Line)
		case e.File != "":
			place = "  (" + e.File + ")"
		}
		p.line(lead + p.style.Paint(report.Strong, safetext.Text(e.Words)) + safetext.Text(place))
		if e.Note != "" {
			p.indent("("+e.Note+")", "     ")
		}
		if shownWhole[e.Op] {
			p.line(indented(e.Value, "     "))
		}
	}
	if proposal.Request != asked {
		p.line("     " + p.style.Paint(report.Hint, safetext.Text("allow "+proposal.Request)))
	}
}

// shownWhole are the edits whose value people have to write.
var shownWhole = map[Op]bool{OpStatement: true, OpGrant: true, OpExcept: true}

// indented is JSON for people to copy.
func indented(text json.RawMessage, by string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, text, by, "  "); err != nil {
		return by + string(text)
	}
	return by + b.String()
}
