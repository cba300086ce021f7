package query

import (
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests/caseline"
)

// gone names the key of a request that this world does not have, such as one
// that was made with CreateKey; empty if it has it, or if the request is about
// no key.
func (b *Base) gone(r caseline.Request) string {
	if len(r.Resources) != 1 {
		return ""
	}
	name := r.Resources[0].Text
	if strings.Contains(name, ":alias/") {
		name = aliasName(name)
	}
	if !strings.HasPrefix(name, "key/") && !strings.HasPrefix(name, "alias/") && !strings.Contains(name, ":key/") {
		return ""
	}
	if _, err := b.keyNamed(name); err == nil {
		return ""
	}
	return r.Resources[0].Text
}

// retold is a record about a key that this world does not have: what the record
// holds of the decision of then, and nothing about now.
func retold(p past, key string) Replay {
	return Replay{
		Version: Version, Then: p.then, Verdict: verdictUnknown, Differs: []string{},
		Unknown: append(p.unknown, "the policies and grants of "+key+": this world has no such key. One that was made with CreateKey is known to its service: "+
			"keyreeve repl --server URL asks that for its keys"),
	}
}

// told writes what the record holds of the decision of then.
func (t Then) told(p *printer) {
	e := t.Evidence
	if e == nil {
		return
	}
	p.line("")
	p.wrap("As the record tells it: " + e.Principal + " " + e.Action + " " + e.Resource)
	var rows [][]string
	for _, l := range e.Layers {
		if l.Said == decision.SaidNotAttached {
			continue
		}
		row := []string{layerNames[l.Layer], results[l.Said], ""}
		for i, s := range l.Statements {
			if i > 0 {
				rows, row = append(rows, row), []string{"", "", ""}
			}
			row[2] = statementText(Statement{Statement: s})
		}
		rows = append(rows, row)
	}
	if len(rows) > 0 {
		p.line("")
		p.table([]string{"LAYER", "RESULT", "STATEMENT"}, rows)
	}
	if len(e.Grants) > 0 {
		p.line("")
		p.wrap("Grants that allowed it: " + strings.Join(e.Grants, ", "))
	}
}
