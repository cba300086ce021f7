package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/keyreeve/keyreeve/policytests/analysis"
	"github.com/keyreeve/keyreeve/policytests/compare"
	"github.com/keyreeve/keyreeve/policytests/report"
	"github.com/keyreeve/keyreeve/policytests/safetext"
)

// fewChanges are how many changes of a part are listed, unless all are wanted.
const fewChanges = 12

// writeDiff writes a report for people. name is what was compared.
func writeDiff(out io.Writer, name string, r *compare.Report, all bool) error {
	var b strings.Builder
	style := styleOf(out)
	granted, withdrawn := 0, 0
	for _, p := range r.Parts {
		title := cmp.Or(p.Name, name)
		if p.State != "" {
			title += " (" + p.State + ")"
		}
		fmt.Fprintf(&b, "%s\n", style.Paint(report.Strong, safetext.Text(title)))
		writeChanges(&b, style, "+", "newly allowed", p.Granted, true, all)
		writeChanges(&b, style, "-", "newly denied", p.Withdrawn, false, all)
		for _, why := range p.Unknown {
			fmt.Fprintf(&b, "  ? unknown: %s; there may be more\n", safetext.Text(why))
		}
		granted, withdrawn = granted+actionsIn(p.Granted), withdrawn+actionsIn(p.Withdrawn)
	}
	for _, why := range r.Unknown {
		fmt.Fprintf(&b, "? unknown: %s\n", safetext.Text(why))
	}
	switch r.Result() {
	case compare.Same:
		b.WriteString("The same: proved for every request.\n")
	default:
		fmt.Fprintf(&b, "%s newly allowed, %s newly denied.\n", count(granted, "action"), count(withdrawn, "action"))
	}
	_, err := io.WriteString(out, style.Safe(b.String()))
	return err
}

func actionsIn(all []analysis.Change) int {
	n := 0
	for _, c := range all {
		n += len(c.Actions)
	}
	return n
}

func writeChanges(b *strings.Builder, style report.Style, sign, what string, list []analysis.Change, allowed, all bool) {
	ink := report.Good
	if allowed {
		ink = report.Bad
	}
	for i, c := range list {
		if i == fewChanges && !all {
			fmt.Fprintf(b, "  … %d more %s; --all lists them\n", len(list)-i, what)
			return
		}
		fmt.Fprintf(b, "  %s %s: %s\n", style.Paint(ink, sign+" "+what), safetext.Text(c.Class), safetext.Text(strings.Join(fewOf(c.Actions, all), ", ")))
		line := c.Witness.CaseThat(allowed)
		if note := c.Witness.Note(); note != "" {
			line += "  # " + note
		}
		fmt.Fprintf(b, "      %s\n", safetext.Text(line))
	}
}

// fewOf are the first actions of a long list, and how many there are besides.
func fewOf(actions []string, all bool) []string {
	const most = 6
	if all || len(actions) <= most {
		return actions
	}
	return append(append([]string{}, actions[:most-1]...), fmt.Sprintf("and %d more", len(actions)-most+1))
}

// diffJSON is the form of a report for programs; version is raised when a field
// changes its meaning.
type diffJSON struct {
	Version int            `json:"version"`
	Result  compare.Result `json:"result"`
	Parts   []partJSON     `json:"parts"`
	Unknown []string       `json:"unknown,omitempty"`
}

type partJSON struct {
	Name      string       `json:"name"`
	State     string       `json:"state,omitempty"`
	Granted   []changeJSON `json:"newlyAllowed"`
	Withdrawn []changeJSON `json:"newlyDenied"`
	Unknown   []string     `json:"unknown,omitempty"`
}

type changeJSON struct {
	Principals string          `json:"principals"`
	Actions    []string        `json:"actions"`
	Resource   string          `json:"resource"`
	Case       string          `json:"case"`
	Note       string          `json:"note,omitempty"`
	Question   json.RawMessage `json:"question"`
}

func writeDiffJSON(out io.Writer, r *compare.Report) error {
	all := diffJSON{Version: 1, Result: r.Result(), Parts: []partJSON{}, Unknown: r.Unknown}
	for _, p := range r.Parts {
		granted, err := changesJSON(p.Granted, true)
		if err != nil {
			return err
		}
		withdrawn, err := changesJSON(p.Withdrawn, false)
		if err != nil {
			return err
		}
		all.Parts = append(all.Parts, partJSON{Name: p.Name, State: p.State, Granted: granted, Withdrawn: withdrawn, Unknown: p.Unknown})
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(all)
}

func changesJSON(list []analysis.Change, allowed bool) ([]changeJSON, error) {
	out := []changeJSON{}
	for _, c := range list {
		question, err := c.Witness.JSON()
		if err != nil {
			return nil, err
		}
		out = append(out, changeJSON{Principals: c.Class, Actions: c.Actions, Resource: c.Witness.Resource,
			Case: c.Witness.CaseThat(allowed), Note: c.Witness.Note(), Question: question})
	}
	return out, nil
}
