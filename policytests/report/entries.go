package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/keyreeve/keyreeve/policytests/safetext"
)

// The elements of JUnit's XML, as CI systems read them.
type (
	xmlSuites struct {
		XMLName  xml.Name   `xml:"testsuites"`
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Errors   int        `xml:"errors,attr"`
		Skipped  int        `xml:"skipped,attr"`
		Time     string     `xml:"time,attr,omitempty"`
		Suites   []xmlSuite `xml:"testsuite"`
	}
	xmlSuite struct {
		Name     string    `xml:"name,attr"`
		Tests    int       `xml:"tests,attr"`
		Failures int       `xml:"failures,attr"`
		Errors   int       `xml:"errors,attr"`
		Skipped  int       `xml:"skipped,attr"`
		Time     string    `xml:"time,attr,omitempty"`
		Cases    []xmlCase `xml:"testcase"`
		seconds  float64
	}
	xmlCase struct {
		Name      string      `xml:"name,attr"`
		Class     string      `xml:"classname,attr"`
		File      string      `xml:"file,attr,omitempty"`
		Line      int         `xml:"line,attr,omitempty"`
		Time      string      `xml:"time,attr,omitempty"`
		Failure   *xmlOutcome `xml:"failure,omitempty"`
		Error     *xmlOutcome `xml:"error,omitempty"`
		Skipped   *xmlOutcome `xml:"skipped,omitempty"`
		SystemOut string      `xml:"system-out,omitempty"`
	}
	xmlOutcome struct {
		Type    string `xml:"type,attr,omitempty"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// junit writes a suite for each file and a case for each entry.
func junit(w io.Writer, name string, all []entry) error {
	suites := xmlSuites{Name: name}
	at := map[string]int{}
	for _, e := range all {
		i, ok := at[e.suite]
		if !ok {
			i = len(suites.Suites)
			at[e.suite] = i
			suites.Suites = append(suites.Suites, xmlSuite{Name: e.suite})
		}
		suites.Suites[i].add(e)
	}
	total := 0.0
	for i := range suites.Suites {
		s := &suites.Suites[i]
		s.Time = seconds(s.seconds)
		suites.Tests += s.Tests
		suites.Failures += s.Failures
		suites.Errors += s.Errors
		suites.Skipped += s.Skipped
		total += s.seconds
	}
	suites.Time = seconds(total)
	text, err := xml.MarshalIndent(suites, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	return err
}

func (s *xmlSuite) add(e entry) {
	c := xmlCase{Name: e.name, Class: e.suite, File: e.suite, Line: e.line, Time: seconds(e.seconds)}
	if e.id != "" {
		c.Name = e.id + " " + e.name
	}
	outcome := &xmlOutcome{Type: e.id, Message: e.title(), Text: strings.TrimSpace(e.place() + ": " + e.title() + "\n" + e.detail)}
	switch e.state {
	case failed:
		c.Failure = outcome
		s.Failures++
	case undecided:
		c.Error = outcome
		s.Errors++
	case ignored:
		c.Skipped = &xmlOutcome{Message: e.detail}
		s.Skipped++
	case noted:
		c.SystemOut = outcome.Text // a failure would stop a pipeline that should go on
	}
	s.Tests++
	s.seconds += e.seconds
	s.Cases = append(s.Cases, c)
}

// seconds is a duration as JUnit has it; empty if it was not taken.
func seconds(s float64) string {
	if s == 0 {
		return ""
	}
	return fmt.Sprintf("%.6f", s)
}

// tap writes the Test Anything Protocol, version 14.
func tap(w io.Writer, all []entry) error {
	var b strings.Builder
	fmt.Fprintf(&b, "TAP version 14\n1..%d\n", len(all))
	for i, e := range all {
		verdict, directive := "ok", ""
		switch e.state {
		case failed, undecided:
			verdict = "not ok"
		case ignored:
			directive = " # SKIP " + tapText(e.detail)
		}
		fmt.Fprintf(&b, "%s %d - %s: %s%s\n", verdict, i+1, tapText(e.place()), tapText(e.title()), directive)
		if e.detail != "" && (e.state == failed || e.state == undecided) {
			b.WriteString("  ---\n  detail: |\n")
			for line := range strings.SplitSeq(e.detail, "\n") {
				b.WriteString(strings.TrimRight("    "+line, " ") + "\n")
			}
			b.WriteString("  ...\n")
		}
	}
	_, err := io.WriteString(w, safetext.Lines(b.String()))
	return err
}

// tapText keeps a description on one line, without signs that have a meaning.
func tapText(text string) string {
	return strings.NewReplacer("\n", " ", "\r", " ", `\`, `\\`, "#", `\#`).Replace(safetext.Text(text))
}

// commands of GitHub's runners by state; entries of other states are not
// annotations.
var commands = map[state]string{failed: "error", undecided: "error", noted: "notice"}

// github writes workflow commands, which become annotations of lines.
func github(w io.Writer, all []entry) error {
	var b strings.Builder
	for _, e := range all {
		command := commands[e.state]
		if command == "" {
			continue
		}
		if e.state == noted && e.level != "suggestion" {
			command = "warning"
		}
		properties := []string{"file=" + property(e.suite)}
		for _, p := range []struct {
			name  string
			value int
		}{{"line", e.line}, {"endLine", e.endLine}, {"col", e.column}, {"endColumn", e.endColumn}} {
			if p.value > 0 && (p.name != "endColumn" && p.name != "col" || e.endLine == 0 || e.endLine == e.line) {
				properties = append(properties, fmt.Sprintf("%s=%d", p.name, p.value))
			}
		}
		properties = append(properties, "title="+property(strings.TrimSpace("keyreeve "+e.id)))
		message := e.message
		if message == "" {
			message = e.name
		}
		if e.detail != "" {
			message += "\n" + e.detail
		}
		fmt.Fprintf(&b, "::%s %s::%s\n", command, strings.Join(properties, ","), escapeData(message))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// escapeData and property escape as the runner's own toolkit does, and quote
// other controls.
func escapeData(text string) string {
	return safetext.Text(strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text))
}

func property(text string) string {
	return safetext.Text(strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(text))
}
