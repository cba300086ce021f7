package decisionlog

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// json is the input as the schema "answer" has it.
func (in *input) json() json.RawMessage {
	b := make([]byte, 0, 2048)
	b = appendText(append(b, `{"rule":`...), in.Rule)
	b = appendText(append(b, `,"action":`...), in.Action)
	b = strconv.AppendBool(append(b, `,"cross_account_possible":`...), in.CrossAccount)
	b = in.Principal.appendTo(append(b, `,"principal":`...))
	b = in.Resource.appendTo(append(b, `,"resource":`...))
	if len(in.Context) > 0 {
		b = appendMap(append(b, `,"context":`...), in.Context, in.appendValues)
	}
	if len(in.EncryptionContext) > 0 {
		b = appendMap(append(b, `,"encryption_context":`...), in.EncryptionContext, in.appendPair)
	}
	if in.Policies.Identity != nil {
		b = in.Policies.appendTo(append(b, `,"policies":`...))
	}
	if len(in.Grants) > 0 {
		b = appendList(append(b, `,"grants":`...), in.Grants, in.appendGrant)
	}
	if in.Child != nil {
		b = appendTexts(append(b, `,"child":{"operations":`...), in.Child.Operations)
		b = append(in.appendConstraints(b, in.Child.Equals, in.Child.Subset), '}')
	}
	return append(b, '}')
}

func (p *principal) appendTo(b []byte) []byte {
	b = appendText(append(b, `{"type":`...), string(p.Type))
	for _, f := range [...]struct{ name, value string }{
		{"account", p.Account}, {"user", p.User}, {"role", p.Role}, {"session", p.Session}, {"provider", p.Provider},
	} {
		if f.value != "" {
			b = append(appendText(append(b, ','), f.name), ':')
			b = appendText(b, f.value)
		}
	}
	if len(p.Services) > 0 {
		b = appendTexts(append(b, `,"services":`...), p.Services)
	}
	return append(strconv.AppendBool(append(b, `,"management":`...), p.Management), '}')
}

func (r *resource) appendTo(b []byte) []byte {
	b = appendText(append(b, `{"arn":`...), r.ARN)
	b = appendText(append(b, `,"account":`...), r.Account)
	b = strconv.AppendBool(append(b, `,"management":`...), r.Management)
	return append(strconv.AppendBool(append(b, `,"aws_managed":`...), r.AWSManaged), '}')
}

func (p *policies) appendTo(b []byte) []byte {
	comma := byte('{')
	for _, l := range [...]struct {
		name   string
		levels [][]string
	}{
		{"boundary", p.Boundary}, {"endpoint", p.Endpoint}, {"identity", p.Identity}, {"rcp", p.RCP},
		{"resource", p.Resource}, {"scp", p.SCP}, {"session", p.Session},
	} {
		if l.levels != nil {
			b = append(appendText(append(b, comma), l.name), ':')
			b = appendList(b, l.levels, func(names []string, b []byte) []byte { return appendTexts(b, names) })
			comma = ','
		}
	}
	return append(b, '}')
}

func (in *input) appendGrant(g grant, b []byte) []byte {
	b = appendText(append(b, `{"id":`...), g.ID)
	b = g.Grantee.appendTo(append(b, `,"grantee":`...))
	b = g.Retiree.appendTo(append(b, `,"retiree":`...))
	b = appendText(append(b, `,"issuer":`...), g.Issuer)
	b = appendTexts(append(b, `,"operations":`...), g.Operations)
	return append(in.appendConstraints(b, g.Equals, g.Subset), '}')
}

func (p *party) appendTo(b []byte) []byte {
	if p == nil {
		return append(b, "null"...)
	}
	b = appendText(append(b, `{"via":`...), string(p.Via))
	return append(appendText(append(b, `,"id":`...), p.ID), '}')
}

// appendConstraints writes null for one that is none.
func (in *input) appendConstraints(b []byte, equals, subset map[string]string) []byte {
	for _, c := range [...]struct {
		name  string
		pairs map[string]string
	}{{"equals", equals}, {"subset", subset}} {
		b = append(appendText(append(b, ','), c.name), ':')
		if c.pairs == nil {
			b = append(b, "null"...)
		} else {
			b = appendMap(b, c.pairs, in.appendPair)
		}
	}
	return b
}

// appendValues writes the values of a condition key.
func (in *input) appendValues(b []byte, name string, values []string) []byte {
	if in.masked && strings.HasPrefix(name, pairKey) {
		values = redacted
	}
	return appendTexts(b, values)
}

// appendPair writes the value of a pair of an encryption context.
func (in *input) appendPair(b []byte, _, value string) []byte {
	if in.masked {
		value = hidden
	}
	return appendText(b, value)
}

// appendMap writes an object with its names in order.
func appendMap[V any](b []byte, m map[string]V, value func(b []byte, name string, v V) []byte) []byte {
	b = append(b, '{')
	var space [fewNames]string
	for i, name := range appendSorted(space[:0], m) {
		if i > 0 {
			b = append(b, ',')
		}
		b = value(append(appendText(b, name), ':'), name, m[name])
	}
	return append(b, '}')
}

func appendList[V any](b []byte, list []V, value func(V, []byte) []byte) []byte {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = value(v, b)
	}
	return append(b, ']')
}

func appendTexts(b []byte, texts []string) []byte {
	return appendList(b, texts, func(s string, b []byte) []byte { return appendText(b, s) })
}

// appendText writes a JSON string.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return append(b, written(s)...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
