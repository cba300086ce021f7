package decision

import "github.com/keyreeve/keyreeve/engine/jsontext"

// AppendJSON appends the evidence as the tags of its fields have it, which is
// what encoding/json writes.
func (e *Evidence) AppendJSON(b []byte) []byte {
	o := jsontext.Begin(b)
	o.Int("version", e.Version)
	o.Bool("allowed", e.Allowed)
	o.String("reason", string(e.Reason))
	o.String("layer", string(e.Layer))
	o.String("rule", e.Rule)
	o.String("principal", e.Principal)
	o.String("action", e.Action)
	o.String("resource", e.Resource)
	o.Value(appendStatements(o.Name("settledBy"), e.SettledBy))
	o.Value(appendTexts(o.Name("grants"), e.Grants))
	if len(e.Layers) > 0 {
		o.Value(appendAll(o.Name("layers"), e.Layers, (*LayerEvidence).appendTo))
	}
	if e.Nearest != nil {
		o.Value(e.Nearest.appendTo(o.Name("nearestMiss")))
	}
	counted(&o, "moreSettledBy", e.MoreSettledBy)
	counted(&o, "moreGrants", e.MoreGrants)
	return o.End()
}

// counted appends a count unless it is zero.
func counted(o *jsontext.Object, name string, n int) {
	if n != 0 {
		o.Int(name, n)
	}
}

// appendAll appends a list; a nil one is null.
func appendAll[T any](b []byte, list []T, one func(*T, []byte) []byte) []byte {
	if list == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = one(&list[i], b)
	}
	return append(b, ']')
}

func appendStatements(b []byte, list []Statement) []byte {
	return appendAll(b, list, (*Statement).appendTo)
}

func appendTexts[S ~string](b []byte, list []S) []byte {
	if list == nil {
		return append(b, "null"...)
	}
	return jsontext.AppendStrings(b, list)
}

func (l *LayerEvidence) appendTo(b []byte) []byte {
	o := jsontext.Begin(b)
	o.String("layer", string(l.Layer))
	o.Int("level", l.Level)
	o.String("said", l.Said)
	o.Value(appendStatements(o.Name("statements"), l.Statements))
	counted(&o, "more", l.More)
	return o.End()
}

func (s *Statement) appendTo(b []byte) []byte {
	o := jsontext.Begin(b)
	o.String("layer", string(s.Layer))
	o.Int("level", s.Level)
	o.Some("policy", s.Policy)
	o.Some("arn", s.ARN)
	o.Some("sid", s.Sid)
	o.Some("reason", s.Reason)
	o.String("effect", s.Effect)
	o.Int("index", s.Index)
	o.String("path", s.Path)
	o.Int("line", s.Line)
	o.Value(appendTexts(o.Name("via"), s.Via))
	return o.End()
}

func (n *NearestMiss) appendTo(b []byte) []byte {
	o := jsontext.Begin(b)
	o.Value(n.Statement.appendTo(o.Name("statement")))
	o.String("operator", n.Operator)
	o.String("key", n.Key)
	o.String("path", n.Path)
	o.Int("line", n.Line)
	o.Value(appendTexts(o.Name("wanted"), n.Wanted))
	o.Value(appendTexts(o.Name("actual"), n.Actual))
	counted(&o, "moreWanted", n.MoreWanted)
	counted(&o, "moreActual", n.MoreActual)
	return o.End()
}
