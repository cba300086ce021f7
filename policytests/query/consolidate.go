package query

import (
	"cmp"
	"io"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/policytests/report"
	"github.com/keyreeve/keyreeve/policytests/safetext"
)

// table puts the rows in order, and makes one of those of an unknown account
// that say the same.
func (t *tabulator) table() Table {
	rows := t.rows
	slices.SortStableFunc(rows, func(a, b Access) int {
		return cmp.Or(cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Action, b.Action))
	})
	var merged []Access
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[0].Anyone && rows[n].Anyone && rows[n].Action == rows[0].Action && rows[n].Resource == rows[0].Resource && alike(rows[0], rows[n]) {
			n++
		}
		row := rows[0]
		if n == strangers {
			row.Principal, row.ARN = stranger, ""
		}
		merged = append(merged, row)
		if n == strangers {
			rows = rows[n:]
		} else {
			rows = rows[1:]
		}
	}
	return Table{Version: Version, Rows: merged, Notes: t.notes}
}

// strangers is how many callers stand for those of an unknown account: its root
// user, a user and a role.
const strangers = 3

// alike tells whether two rows say the same.
func alike(a, b Access) bool { return a.Verdict == b.Verdict && a.Why == b.Why && terms(a) == terms(b) }

func terms(a Access) string {
	texts := make([]string, len(a.Ways))
	for i, w := range a.Ways {
		texts[i] = w.text() + " " + w.through()
	}
	slices.Sort(texts)
	return strings.Join(texts, "\n")
}

// A group is what several rows say of one principal and resource.
type group struct {
	row     Access
	actions []string
}

// groups gathers the actions of rows that are alike.
func groups(rows []Access) []group {
	var all []group
	for _, r := range rows {
		i := slices.IndexFunc(all, func(g group) bool {
			return g.row.Principal == r.Principal && g.row.Resource == r.Resource && alike(g.row, r)
		})
		if i < 0 {
			all = append(all, group{row: r, actions: []string{r.Action}})
		} else {
			all[i].actions = append(all[i].actions, r.Action)
		}
	}
	return all
}

// WriteText writes the table for people: of one action a line for each way of
// each principal, of several a paragraph with the actions that go together.
func (t Table) WriteText(w io.Writer, style report.Style) error {
	p := &printer{w: w, style: style}
	if same(t.Rows, func(a Access) string { return a.Action }) {
		t.oneAction(p)
	} else {
		t.manyActions(p)
	}
	for _, n := range t.Notes {
		p.line("")
		p.wrap("Note: " + n)
	}
	return p.err
}

func same(rows []Access, of func(Access) string) bool {
	return !slices.ContainsFunc(rows, func(r Access) bool { return of(r) != of(rows[0]) })
}

// name is that of the principal, and of the resource where there are several.
func (t Table) name(row Access) string {
	switch {
	case same(t.Rows, func(a Access) string { return a.Resource }):
		return row.Principal
	case row.Resource == "*":
		return row.Principal + " on no key"
	}
	return row.Principal + " on " + row.Resource
}

// oneAction writes a table.
func (t Table) oneAction(p *printer) {
	var rows [][]string
	refused := map[string][]string{}
	var whys []string
	for _, r := range t.Rows {
		switch r.Verdict {
		case Never:
			if refused[r.Why] == nil {
				whys = append(whys, r.Why)
			}
			refused[r.Why] = append(refused[r.Why], t.name(r))
		case Unknown:
			rows = append(rows, []string{t.name(r), string(r.Verdict), "", r.Why})
		default:
			rows = append(rows, t.ways(r)...)
		}
	}
	if len(rows) > 0 {
		p.table([]string{"PRINCIPAL", "CAN", "THROUGH", "WHEN"}, rows)
	}
	if len(whys) > 0 {
		if len(rows) > 0 {
			p.line("")
		}
		p.line("Never:")
	}
	for _, why := range whys {
		text := strings.Join(refused[why], ", ")
		if why != "" {
			text += " – " + why
		}
		p.indent(text, "  ")
	}
}

// ways are a row as lines of a table.
func (t Table) ways(r Access) [][]string {
	rows := make([][]string, len(r.Ways))
	for i, way := range r.Ways {
		rows[i] = []string{"", "", way.through(), condition(r, way)}
		if i > 0 {
			rows[i][3] = "or " + rows[i][3]
		}
	}
	rows[0][0], rows[0][1] = t.name(r), string(r.Verdict)
	return rows
}

// condition is what must be so for a way, in words.
func condition(r Access, way Way) string {
	text := way.text()
	switch {
	case r.Anyone && text == "":
		return "its IAM policies allow it"
	case r.Anyone:
		return text + " and its IAM policies allow it"
	}
	return text
}

// manyActions writes a paragraph for each principal and resource.
func (t Table) manyActions(p *printer) {
	last := ""
	var nothing []string
	for _, name := range t.names() {
		found := false
		for _, g := range groups(t.Rows) {
			if t.name(g.row) != name || g.row.Verdict == Never {
				continue
			}
			if found = true; last != name {
				if last != "" {
					p.line("")
				}
				p.line(p.style.Paint(report.Strong, safetext.Text(name)))
				last = name
			}
			p.group(g)
		}
		if !found {
			nothing = append(nothing, name)
		}
	}
	switch {
	case last == "" && len(nothing) > 0:
		p.wrap("Nothing of what was asked is ever allowed: " + strings.Join(nothing, ", "))
	case len(nothing) > 0:
		p.line("")
		p.wrap("Nothing else of what was asked is ever allowed; nothing of it at all: " + strings.Join(nothing, ", "))
	case last != "":
		p.line("")
		p.line("Nothing else of what was asked is ever allowed.")
	}
}

// names are those of all rows, in order of resource and caller.
func (t Table) names() []string {
	var all []string
	for _, r := range t.Rows {
		if name := t.name(r); !contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// group writes the actions that are allowed in the same ways.
func (p *printer) group(g group) {
	for i, way := range g.row.Ways {
		text := string(g.row.Verdict)
		switch when := condition(g.row, way); {
		case i > 0:
			text = "or when " + when
		case when != "" && g.row.Verdict == Always:
			text += ", if " + when
		case when != "":
			text += " " + when
		}
		p.indent(text+", through "+way.through()+":", "  ")
	}
	if g.row.Verdict == Unknown {
		p.line(p.style.Wrap(p.style.Paint(report.Doubt, "unknown")+" – "+safetext.Text(g.row.Why)+":", "  "))
	}
	p.indent(strings.Join(g.actions, ", "), "    ")
}
