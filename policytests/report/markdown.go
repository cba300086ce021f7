package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/keyreeve/keyreeve/policytests"
	"github.com/keyreeve/keyreeve/policytests/safetext"
)

// markdown writes a summary for a pull request: a table of what was found, and
// the witnesses below it.
func (l Lint) markdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString("## keyreeve lint\n\n" + l.verdict() + "\n")
	if found := l.counted(); len(found) > 0 {
		b.WriteString("\n| severity | rule | place | finding |\n| --- | --- | --- | --- |\n")
		for _, f := range found {
			level := f.Severity.String()
			if f.Unknown {
				level = "unknown"
			}
			fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", level, f.Rule, code(fmt.Sprintf("%s:%d:%d", f.File, f.Span.Start.Line, f.Span.Start.Column)), cell(f.sentence()))
		}
		for _, f := range found {
			if detail := f.detail(); detail != "" {
				fmt.Fprintf(&b, "\n<details><summary><code>%s</code> at <code>%s:%d</code></summary>\n\n%s\n</details>\n",
					f.Rule, html(f.File), f.Span.Start.Line, fence(detail))
			}
		}
	}
	if aside := len(l.Findings) - len(l.counted()); aside > 0 {
		b.WriteString("\n" + plural(aside, "finding is", "findings are") + " set aside:\n\n")
		for _, f := range l.Findings {
			if reason := f.aside(); reason != "" {
				fmt.Fprintf(&b, "- `%s` at %s: %s\n", f.Rule, code(fmt.Sprintf("%s:%d", f.File, f.Span.Start.Line)), cell(reason))
			}
		}
	}
	b.WriteString(problemList(l.Problems))
	_, err := io.WriteString(w, safetext.Lines(b.String()))
	return err
}

// problemList lists what could not be read.
func problemList(all policytests.Problems) string {
	if len(all) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\nNot read or not decided:\n\n")
	for _, p := range all {
		b.WriteString("- " + cell(p.String()) + "\n")
	}
	return b.String()
}

// cell keeps text in one cell of a table and from being markup.
func cell(text string) string {
	return strings.NewReplacer("\n", " ", "|", `\|`, "<", "&lt;", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`).Replace(safetext.Text(text))
}

// code is text as a span of code in one cell of a table, whatever is in it.
func code(text string) string {
	text = strings.NewReplacer("\n", " ", "|", `\|`).Replace(safetext.Text(text))
	mark := "`"
	for strings.Contains(text, mark) {
		mark += "`"
	}
	if len(mark) == 1 {
		return mark + text + mark
	}
	return mark + " " + text + " " + mark
}

func html(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(safetext.Text(text))
}

// fence makes a block of code, whatever is in it.
func fence(text string) string {
	mark := "```"
	for strings.Contains(text, mark) {
		mark += "`"
	}
	return mark + "\n" + text + "\n" + mark + "\n"
}
