package decisionlog

import (
	"crypto/sha1"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/engine/jsontext"
)

// An input is a question in the words of the schema "answer"
// (rego/lib/schema): all facts, and the attached policies by name. So a line
// can be asked again of a bundle that has policies of these names.
type input struct {
	*decision.Question

	masked bool // the values of encryption contexts are not written
	order  *jsontext.Order

	// What a line that would be too long leaves out.
	noContext, noEncryptionContext, noPolicies, noGrants bool
}

func (in *input) appendTo(b []byte) []byte {
	o := jsontext.Begin(b)
	o.String("rule", in.Rule.String())
	o.String("action", in.Action)
	o.Bool("cross_account_possible", in.CrossAccountPossible)
	o.Value(appendPrincipal(o.Name("principal"), &in.Principal))
	o.Value(appendResource(o.Name("resource"), &in.Resource))
	if context := in.context(); len(context) > 0 {
		o.Value(jsontext.AppendMapInOrder(o.Name("context"), in.order, context, in.appendValues))
	}
	if pairs := in.pairs(); len(pairs) > 0 {
		o.Value(jsontext.AppendMap(o.Name("encryption_context"), pairs, in.appendPair))
	}
	if !in.noPolicies {
		o.Value(appendPolicies(o.Name("policies"), in.Question))
	}
	if grants := in.grants(); len(grants) > 0 {
		o.Value(appendList(o.Name("grants"), grants, in.appendGrant))
	}
	if in.Child != nil {
		child := jsontext.Begin(o.Name("child"))
		child.Value(appendActions(child.Name("operations"), in.Child.Operations))
		in.constraints(&child, in.Child.Equals, in.Child.Subset)
		o.Value(child.End())
	}
	return o.End()
}

func (in *input) context() map[string][]string {
	if in.noContext {
		return nil
	}
	return in.Context
}

func (in *input) pairs() map[string]string {
	if in.noEncryptionContext {
		return nil
	}
	return in.EncryptionContext
}

func (in *input) grants() []decision.Grant {
	if in.noGrants {
		return nil
	}
	return in.Grants
}

func appendPrincipal(b []byte, p *decision.Principal) []byte {
	o := jsontext.Begin(b)
	o.String("type", string(p.Type))
	o.Some("account", p.Account)
	o.Some("user", p.User)
	o.Some("role", p.Role)
	o.Some("session", p.Session)
	o.Some("provider", p.Provider)
	if len(p.Services) > 0 {
		o.Value(jsontext.AppendStrings(o.Name("services"), p.Services))
	}
	o.Bool("management", p.Management)
	return o.End()
}

func appendResource(b []byte, r *decision.Resource) []byte {
	o := jsontext.Begin(b)
	o.String("arn", r.ARN)
	o.String("account", r.Account)
	o.Bool("management", r.Management)
	o.Bool("aws_managed", r.AWSManaged)
	return o.End()
}

// appendPolicies writes the names of the policies that are attached, by layer
// and level.
func appendPolicies(b []byte, q *decision.Question) []byte {
	o := jsontext.Begin(b)
	single := func(name string, p *decision.Policy) {
		if p != nil {
			o.Value(append(jsontext.AppendString(append(o.Name(name), "[["...), label(p)), "]]"...))
		}
	}
	levels := func(name string, all [][]decision.Policy) {
		if all != nil {
			o.Value(appendList(o.Name(name), all, appendNames))
		}
	}
	single("boundary", q.Boundary)
	single("endpoint", q.Endpoint)
	o.Value(append(appendNames(append(o.Name("identity"), '['), &q.Identity), ']'))
	levels("rcp", q.RCP)
	single("resource", q.KeyPolicy)
	levels("scp", q.SCP)
	if q.Session != nil {
		o.Value(append(appendNames(append(o.Name("session"), '['), &q.Session), ']'))
	}
	return o.End()
}

func appendNames(b []byte, policies *[]decision.Policy) []byte {
	return appendList(b, *policies, func(b []byte, p *decision.Policy) []byte { return jsontext.AppendString(b, label(p)) })
}

// label is the ARN where there is one.
func label(p *decision.Policy) string {
	if p.ARN != "" {
		return p.ARN
	}
	return p.Name
}

func (in *input) appendGrant(b []byte, g *decision.Grant) []byte {
	o := jsontext.Begin(b)
	o.String("id", g.ID)
	o.Value(appendParty(o.Name("grantee"), g.Grantee))
	o.Value(appendParty(o.Name("retiree"), g.Retiree))
	o.String("issuer", g.IssuingAccount)
	o.Value(appendActions(o.Name("operations"), g.Operations))
	in.constraints(&o, g.Equals, g.Subset)
	return o.End()
}

// appendParty writes null for nobody.
func appendParty(b []byte, p decision.Party) []byte {
	if p == (decision.Party{}) {
		return append(b, "null"...)
	}
	o := jsontext.Begin(b)
	o.String("via", string(p.Via))
	o.String("id", p.ID)
	return o.End()
}

// appendActions names operations as actions.
func appendActions(b []byte, operations []string) []byte {
	return appendList(b, operations, func(b []byte, name *string) []byte { return jsontext.AppendString(b, "kms:"+*name) })
}

// constraints writes null for one that is none.
func (in *input) constraints(o *jsontext.Object, equals, subset map[string]string) {
	for i, pairs := range [...]map[string]string{equals, subset} {
		b := o.Name([...]string{"equals", "subset"}[i])
		if pairs == nil {
			o.Value(append(b, "null"...))
			continue
		}
		o.Value(jsontext.AppendMap(b, pairs, in.appendPair))
	}
}

// appendValues writes the values of a condition key.
func (in *input) appendValues(b []byte, name string, values []string) []byte {
	if in.masked && strings.HasPrefix(name, pairKey) {
		values = redacted
	}
	return jsontext.AppendStrings(b, values)
}

// appendPair writes the value of a pair of an encryption context.
func (in *input) appendPair(b []byte, _, value string) []byte {
	if in.masked {
		value = hidden
	}
	return jsontext.AppendString(b, value)
}

func appendPlain(b []byte, _, value string) []byte { return jsontext.AppendString(b, value) }

func appendList[T any](b []byte, list []T, one func([]byte, *T) []byte) []byte {
	b = append(b, '[')
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = one(b, &list[i])
	}
	return append(b, ']')
}

// appendID writes the id of the n-th decision of a call: the UUID of version 5
// (RFC 9562) that follows from the call's.
func appendID(b []byte, call string, n int) []byte {
	root, err := uuid.Parse(call)
	if err != nil {
		return append(b, call...)
	}
	var space [len(root) + 20]byte
	sum := sha1.Sum(strconv.AppendInt(append(space[:0], root[:]...), int64(n), 10))
	sum[6], sum[8] = sum[6]&0x0f|0x50, sum[8]&0x3f|0x80
	rest := sum[:len(root)]
	for i, size := range [...]int{4, 2, 2, 2, 6} {
		if i > 0 {
			b = append(b, '-')
		}
		b, rest = hex.AppendEncode(b, rest[:size]), rest[size:]
	}
	return b
}
