package report

import (
	"io"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/policytests/safetext"
)

// gap stands between two columns of a table.
const gap = "  "

// Table writes rows in columns, the header, if any, first and Strong. Where the
// width asks for it the last column is folded, then the others; where words are
// too long for that, each row is a list of its cells.
func (s Style) Table(w io.Writer, header []string, rows [][]string) error {
	rows = safeRows(rows)
	widths, fits := s.columns(append([][]string{header}, rows...))
	var b strings.Builder
	switch {
	case fits:
		if len(header) > 0 {
			s.row(&b, widths, header, Strong)
		}
		for _, row := range rows {
			s.row(&b, widths, row, Plain)
		}
	default:
		for i, row := range rows {
			if i > 0 {
				b.WriteString("\n")
			}
			s.list(&b, header, row)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// safeRows are rows without what must not reach a terminal.
func safeRows(rows [][]string) [][]string {
	all := make([][]string, len(rows))
	for i, row := range rows {
		for _, cell := range row {
			all[i] = append(all[i], safetext.Text(cell))
		}
	}
	return all
}

// columns is the width of each column; fits is false where words are too long
// for all of them to keep to the width.
func (s Style) columns(rows [][]string) (widths []int, fits bool) {
	var least []int // the longest word of each
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths, least = append(widths, 0), append(least, 0)
			}
			widths[i] = max(widths[i], width(cell))
			for word := range strings.FieldsSeq(cell) {
				least[i] = max(least[i], width(word))
			}
		}
	}
	if s.Width <= 0 || len(widths) == 0 {
		return widths, true
	}
	last, over := len(widths)-1, -s.Width
	for _, n := range widths {
		over += n + len(gap)
	}
	over -= len(gap)
	if over > 0 { // the last column gives way first
		n := min(over, max(0, widths[last]-max(minRoom, least[last])))
		widths[last], over = widths[last]-n, over-n
	}
	for over > 0 {
		most := -1
		for i := range widths {
			if widths[i] > least[i] && (most < 0 || widths[i] > widths[most]) {
				most = i
			}
		}
		if most < 0 {
			return widths, false
		}
		widths[most]--
		over--
	}
	return widths, true
}

// row writes the cells of a row beside each other.
func (s Style) row(b *strings.Builder, widths []int, row []string, ink Ink) {
	cells := make([][]string, len(row))
	lines := 1
	for i, cell := range row {
		room := widths[i]
		if s.Width <= 0 {
			room = 0
		}
		cells[i] = fold(cell, room)
		lines = max(lines, len(cells[i]))
	}
	for n := range lines {
		blanks := 0 // that stand before the next cell
		for i := range cells {
			part := ""
			if n < len(cells[i]) {
				part = cells[i][n]
			}
			if part != "" {
				b.WriteString(strings.Repeat(" ", blanks) + s.Paint(ink, part))
				blanks = 0
			}
			blanks += widths[i] - width(part) + len(gap)
		}
		b.WriteString("\n")
	}
}

// list writes the cells of a row below each other, each after its heading.
func (s Style) list(b *strings.Builder, header, row []string) {
	label := 0
	for _, h := range header {
		label = max(label, width(h)+len(gap))
	}
	for i, cell := range row {
		if cell == "" {
			continue
		}
		heading := ""
		if i < len(header) {
			heading = header[i]
		}
		head := s.Paint(Strong, heading) + strings.Repeat(" ", label-width(heading))
		parts := fold(cell, max(1, s.Width-label))
		if slices.ContainsFunc(parts, func(p string) bool { return label+width(p) > s.Width }) {
			parts = fold(cell, max(1, s.Width-len(gap)))
			b.WriteString(strings.TrimRight(head, " ") + "\n")
			for _, p := range parts {
				b.WriteString(gap + p + "\n")
			}
			continue
		}
		for n, p := range parts {
			if n > 0 {
				head = strings.Repeat(" ", label)
			}
			b.WriteString(head + p + "\n")
		}
	}
}
