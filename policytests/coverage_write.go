package policytests

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/policytests/safetext"
)

// coverageVersion is the version of the form of Coverage in JSON.
const coverageVersion = 1

// Summary is the coverage on one line.
func (c Coverage) Summary() string {
	decisive, all := c.Count()
	percent, any := c.Percent()
	if !any {
		return "coverage: there are no statements and no grants"
	}
	return fmt.Sprintf("coverage: %d of %d statements and grants were the reason of a decision (%s)", decisive, all, percentText(percent))
}

// percentText never rounds up to 100.
func percentText(percent float64) string {
	if percent < 100 && percent > 99.9 {
		percent = 99.9
	}
	return fmt.Sprintf("%.1f %%", percent)
}

// WriteText writes the coverage for people: the statements of each file, in the
// order of their places, and grants.
func (c Coverage) WriteText(w io.Writer) error {
	var b strings.Builder
	file := ""
	for _, s := range c.Statements {
		if s.File != file {
			file = s.File
			fmt.Fprintf(&b, "\n%s\n", safetext.Text(file))
		}
		fmt.Fprintf(&b, "  %s %4d  %-5s %s\n", times(s.Decisive), s.Line, s.Effect, safetext.Text(strings.TrimSpace(s.Sid+"  "+s.Path)))
	}
	key := ""
	for _, g := range c.Grants {
		if g.World+g.Key != key {
			key = g.World + g.Key
			fmt.Fprintf(&b, "\n%s: grants on %s\n", safetext.Text(g.World), safetext.Text(g.Key))
		}
		fmt.Fprintf(&b, "  %s  %s\n", times(g.Decisive), safetext.Text(g.Name))
	}
	fmt.Fprintf(&b, "\n%s\n", c.Summary())
	_, err := io.WriteString(w, safetext.Lines(strings.TrimPrefix(b.String(), "\n")))
	return err
}

func times(n int) string {
	if n == 0 {
		return "  never"
	}
	return fmt.Sprintf("%6d×", n)
}

// WriteJSON writes the coverage for programs.
func (c Coverage) WriteJSON(w io.Writer) error {
	decisive, all := c.Count()
	percent, _ := c.Percent()
	text, err := json.MarshalIndent(struct {
		Version  int     `json:"version"`
		Decisive int     `json:"decisive"`
		All      int     `json:"all"`
		Percent  float64 `json:"percent"`
		Coverage
	}{coverageVersion, decisive, all, percent, c}, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

//go:embed coverage.html
var coveragePage string

var coverageTemplate = template.Must(template.New("coverage").Funcs(template.FuncMap{
	"join": func(list []string) string { return strings.Join(list, ", ") },
}).Parse(coveragePage))

// A coveredFile is a file as the page shows it.
type coveredFile struct {
	Name       string
	Statements []CoveredStatement
}

// Decisive is how many statements of the file were decisive.
func (f coveredFile) Decisive() int {
	n := 0
	for _, s := range f.Statements {
		if s.Decisive > 0 {
			n++
		}
	}
	return n
}

// WriteHTML writes the coverage as one page that needs nothing else: no script
// and no file from elsewhere.
func (c Coverage) WriteHTML(w io.Writer) error {
	var files []coveredFile
	for _, s := range c.Statements {
		i := slices.IndexFunc(files, func(f coveredFile) bool { return f.Name == s.File })
		if i < 0 {
			i = len(files)
			files = append(files, coveredFile{Name: s.File})
		}
		files[i].Statements = append(files[i].Statements, s)
	}
	return coverageTemplate.Execute(w, struct {
		Summary string
		Files   []coveredFile
		Grants  []CoveredGrant
	}{c.Summary(), files, c.Grants})
}
