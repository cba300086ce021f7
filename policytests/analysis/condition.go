package analysis

import (
	"encoding/base64"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/keyreeve/keyreeve/rego/policy"
)

const (
	encryptionContext = "kms:encryptioncontext:"
	contextKeys       = "kms:encryptioncontextkeys"
	requestTag        = "aws:requesttag/"
	resourceTag       = "aws:resourcetag/"
	principalTag      = "aws:principaltag/"
	tagKeys           = "aws:tagkeys"
	resourceAliases   = "kms:resourcealiases"
	// theResource is no condition key: a Resource element with variables is a
	// condition on it.
	theResource = "resource"
)

// A lookup gives the values of a condition key; none if it is absent.
type lookup func(key string) []string

// A condition is one condition of a statement, ready to be asked of values.
// It says of a request what say.
type condition struct {
	id     uint64            // never used again within the process
	source *policy.Condition // nil for a Resource element
	of     *statement
	key    string
	op     policy.Operator
	// missing: it holds without the key. all: each value must pass, else one
	// is enough.
	missing, all bool
	operands     []operand
	vars         []string // keys of the variables in its operands, lower case
	wantAbsent   bool     // of Null
	wantPresent  bool
	hidden       bool // its kind of policy never sees the key
	blind        bool // its kind of policy sees no tags and aliases of the key
}

// An operand is one value that a condition compares with.
type operand struct {
	value policy.Value
	fixed pattern // without variables
	never bool
	num   *big.Rat
	date  time.Time
	net   netip.Prefix
	truth string
}

var conditionIDs atomic.Uint64

// aboutKey tells which condition keys a key policy never sees.
func aboutKey(key string) bool { return key == resourceAliases || strings.HasPrefix(key, resourceTag) }

// newCondition reads a condition of a statement of kind k with an effect.
func newCondition(k policy.Kind, e policy.Effect, c *policy.Condition) *condition {
	op, _ := policy.OperatorNamed(c.Operator)
	out := &condition{id: conditionIDs.Add(1), source: c, key: c.Key, op: op}
	switch {
	case c.IfExists || c.Set == policy.ForAllValues:
		out.missing = true
	case c.Set == policy.NoQualifier:
		out.missing = op.Negated
	}
	switch {
	case policy.NamesShare(c.Key):
		out.all = e == policy.Allow
	case c.Set == policy.NoQualifier:
		out.all = op.Negated
	default:
		out.all = c.Set == policy.ForAllValues
	}
	out.blind = k == policy.Key || k == policy.Trust
	out.hidden = out.blind && aboutKey(c.Key)
	for _, v := range c.Values {
		if op.Type == policy.PresenceType {
			truth, _ := policy.Truth(v.Text)
			out.wantAbsent, out.wantPresent = out.wantAbsent || truth, out.wantPresent || !truth
		}
		out.operands = append(out.operands, out.operand(v))
	}
	return out
}

// newResource is a Resource element as a condition on the resource's ARN.
func newResource(k policy.Kind, s *policy.Statement) *condition {
	op, _ := policy.OperatorNamed("StringLike")
	out := &condition{id: conditionIDs.Add(1), key: theResource, op: op, blind: k == policy.Key || k == policy.Trust}
	if s.NotResource {
		out.op, _ = policy.OperatorNamed("StringNotLike")
		out.all = true
	}
	for _, v := range s.Resources {
		out.operands = append(out.operands, out.operand(v))
	}
	return out
}

// operand reads one value, and notes its variables.
func (c *condition) operand(v policy.Value) operand {
	o := operand{value: v}
	switch c.op.Type {
	case policy.StringType, policy.ARNType:
		for _, p := range v.Parts {
			if p.Kind == policy.Variable && !slices.Contains(c.vars, p.Text) {
				c.vars = append(c.vars, p.Text)
			}
		}
		if !v.HasVariable() {
			o.fixed, o.never = c.pattern(v, func(string) (string, bool) { return "", false })
		}
	case policy.NumericType:
		o.num, _ = policy.Number(v.Text)
	case policy.DateType:
		o.date, _ = policy.Date(v.Text)
	case policy.IPType:
		o.net, _ = policy.Network(v.Text)
	default:
		o.truth = strings.ToLower(v.Text)
	}
	return o
}

// pattern is an operand with its variables in place; never, if it matches
// nothing.
func (c *condition) pattern(v policy.Value, resolve func(string) (string, bool)) (p pattern, never bool) {
	p, ok := ofParts(v.Parts, resolve)
	if ok && c.op.FoldCase {
		p = p.folded()
	}
	if ok && c.op.Type == policy.ARNType {
		p, ok = p.arn()
	}
	return p, !ok
}

// holds tells whether the condition is true of values; none is an absent key.
func (c *condition) holds(values []string, get lookup) bool {
	if c.hidden {
		values = nil
	}
	if c.op.Type == policy.PresenceType {
		return c.wantAbsent && len(values) == 0 || c.wantPresent && len(values) > 0
	}
	if len(values) == 0 {
		return c.missing
	}
	for _, v := range values {
		if c.passes(v, get) != c.all {
			return !c.all
		}
	}
	return c.all
}

// passes tells whether one value stands to the operands as the operator says.
func (c *condition) passes(value string, get lookup) bool {
	for i := range c.operands {
		if c.compare(&c.operands[i], value, get) {
			return !c.op.Negated
		}
	}
	return c.op.Negated
}

func (c *condition) compare(o *operand, value string, get lookup) bool {
	switch c.op.Type {
	case policy.StringType, policy.ARNType:
		return c.text(o, value, get)
	case policy.NumericType:
		n, ok := policy.Number(value)
		return ok && o.num != nil && order(c.op.Name, n.Cmp(o.num))
	case policy.DateType:
		d, ok := policy.Date(value)
		return ok && order(c.op.Name, d.Compare(o.date))
	case policy.IPType:
		a, err := netip.ParseAddr(value)
		return err == nil && a.Zone() == "" && o.net.Contains(a.Unmap())
	case policy.BoolType:
		_, ok := policy.Truth(value)
		return ok && strings.EqualFold(value, o.truth)
	case policy.BinaryType:
		want, err := base64.StdEncoding.DecodeString(o.value.Text)
		have, err2 := base64.StdEncoding.DecodeString(value)
		return err == nil && err2 == nil && string(want) == string(have)
	}
	return false
}

// text compares a value with an operand that may be a pattern.
func (c *condition) text(o *operand, value string, get lookup) bool {
	p, never := o.fixed, o.never
	if o.value.HasVariable() {
		p, never = c.pattern(o.value, func(key string) (string, bool) {
			values := get(key)
			if len(values) != 1 || c.blind && aboutKey(key) {
				return "", false
			}
			return values[0], true
		})
	}
	if never {
		return false
	}
	if c.op.Type == policy.ARNType && !strings.HasPrefix(value, "arn:") {
		return false
	}
	return p.matches(value)
}

// order tells whether a comparison came out as an operator on numbers or dates
// wants it.
func order(operator string, cmp int) bool {
	switch {
	case strings.HasSuffix(operator, "LessThan"):
		return cmp < 0
	case strings.HasSuffix(operator, "LessThanEquals"):
		return cmp <= 0
	case strings.HasSuffix(operator, "GreaterThan"):
		return cmp > 0
	case strings.HasSuffix(operator, "GreaterThanEquals"):
		return cmp >= 0
	default:
		return cmp == 0
	}
}

// same tells whether two conditions say the same of every request.
func (c *condition) same(d *condition) bool {
	if c.key != d.key || c.op.Name != d.op.Name || c.missing != d.missing || c.all != d.all || c.hidden != d.hidden || len(c.operands) != len(d.operands) {
		return false
	}
	for i := range c.operands {
		if !slices.Equal(c.operands[i].value.Parts, d.operands[i].value.Parts) || c.operands[i].value.Text != d.operands[i].value.Text {
			return false
		}
	}
	return true
}
