package policy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// Canonical is the document as compact JSON in one fixed form: every element
// that has a default written out, lists for scalars, canonical operator names,
// lower-case condition keys. Parse reads it as the same document, but for
// positions and the spelling of keys. Documents of equal kind and equal
// canonical form decide every request alike.
func (d *Document) Canonical() []byte { return d.canonical(nil) }

// String is Canonical as a string.
func (d *Document) String() string { return string(d.Canonical()) }

// Digest identifies what the document says: the SHA-256, in hexadecimal, of
// its kind and its canonical form.
func (d *Document) Digest() string { return d.DigestOf(nil) }

// DigestOf is Digest with each principal's ARN in the place of which id stands;
// a nil id leaves them.
func (d *Document) DigestOf(id func(principalARN string) string) string {
	h := sha256.New()
	_, _ = h.Write([]byte(d.Kind.String() + "\n")) // a hash never fails
	_, _ = h.Write(d.canonical(id))
	return hex.EncodeToString(h.Sum(nil))
}

// Principals lists every entry of every Principal and NotPrincipal but "*", in
// the order of the text, for callers that resolve or check them.
func (d *Document) Principals() []Principal {
	var all []Principal
	for i := range d.Statements {
		for _, p := range d.Statements[i].Principals {
			if p.Type != Everyone {
				all = append(all, p)
			}
		}
	}
	return all
}

// ARN of the principal; that of the root for an account id. Empty for what has
// none: everyone, services, canonical users, and providers named by host.
func (p Principal) ARN() string {
	switch p.Type {
	case Account:
		if p.Text == p.Account {
			return "arn:aws:iam::" + p.Account + ":root"
		}
		return p.Text
	case User, Role, RoleSession, FederatedUser:
		return p.Text
	case Federated:
		if p.Account != "" {
			return p.Text
		}
	}
	return ""
}

func (d *Document) canonical(id func(string) string) []byte {
	var w writer
	w.open('{')
	w.member("Version", d.Version)
	if d.ID != "" {
		w.member("Id", d.ID)
	}
	w.name("Statement")
	w.open('[')
	for i := range d.Statements {
		w.separate()
		w.statement(&d.Statements[i], id)
	}
	w.close(']')
	w.close('}')
	return w.buf.Bytes()
}

// A writer writes JSON in the order that it is told.
type writer struct {
	buf bytes.Buffer
	// first: nothing stands yet in the open object or list.
	first bool
}

func (w *writer) open(c byte)  { w.buf.WriteByte(c); w.first = true }
func (w *writer) close(c byte) { w.buf.WriteByte(c); w.first = false }

func (w *writer) separate() {
	if !w.first {
		w.buf.WriteByte(',')
	}
	w.first = false
}

func (w *writer) text(s string) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes
	w.buf.Write(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

func (w *writer) name(s string) {
	w.separate()
	w.text(s)
	w.buf.WriteByte(':')
}

func (w *writer) member(name, value string) {
	w.name(name)
	w.text(value)
}

func (w *writer) list(name string, values []string) {
	w.name(name)
	w.open('[')
	for _, v := range values {
		w.separate()
		w.text(v)
	}
	w.close(']')
}

func (w *writer) statement(s *Statement, id func(string) string) {
	w.open('{')
	if s.Sid != "" {
		w.member("Sid", s.Sid)
	}
	w.member("Effect", s.Effect.String())
	if s.Principals != nil {
		w.principals(negate("Principal", s.NotPrincipal), s.Principals, id)
	}
	w.list(negate("Action", s.NotAction), texts(s.Actions))
	if s.HasResource {
		w.list(negate("Resource", s.NotResource), texts(s.Resources))
	}
	if len(s.Conditions) > 0 {
		w.conditions(s.Conditions)
	}
	w.close('}')
}

func negate(name string, negated bool) string {
	if negated {
		return "Not" + name
	}
	return name
}

func texts(values []Value) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = v.Text
	}
	return all
}

func (w *writer) principals(name string, all []Principal, id func(string) string) {
	if len(all) == 1 && all[0].Type == Everyone {
		w.member(name, "*")
		return
	}
	groups := map[string][]string{}
	for _, p := range all {
		text := p.Text
		if id != nil && p.ARN() != "" {
			text = id(p.ARN())
		}
		groups[p.form()] = append(groups[p.form()], text)
	}
	w.name(name)
	w.open('{')
	for _, form := range []string{"AWS", "CanonicalUser", "Federated", "Service"} {
		if len(groups[form]) > 0 {
			w.list(form, groups[form])
		}
	}
	w.close('}')
}

// form is the key of a Principal under which p is written.
func (p Principal) form() string {
	switch p.Type {
	case Service:
		return "Service"
	case Federated:
		return "Federated"
	case CanonicalUser:
		return "CanonicalUser"
	default:
		return "AWS"
	}
}

// conditions writes the conditions; those of one operator stand together.
func (w *writer) conditions(all []Condition) {
	w.name("Condition")
	w.open('{')
	for i := range all {
		c := &all[i]
		if i == 0 || c.OperatorText() != all[i-1].OperatorText() {
			if i > 0 {
				w.close('}')
			}
			w.name(c.OperatorText())
			w.open('{')
		}
		w.list(c.Key, texts(c.Values))
	}
	w.close('}')
	w.close('}')
}
