package lint

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// operatorType looks for operators of a type that the key is not of.
func (c *checker) operatorType(_ *facts, k *policy.Condition) {
	row, known := policy.ConditionKeyNamed(k.Key)
	op, _ := policy.OperatorNamed(k.Operator)
	if !known || len(k.Values) == 0 {
		return
	}
	at, siblings := c.operatorAt(k.Pos)
	switch {
	case row.Type == policy.ARNType && op.Type == policy.StringType && op.Wildcards && slices.ContainsFunc(k.Values, patterned):
		g := c.add("STRING_LIKE_OPERATOR_WITH_ARN_CONDITION_KEYS", k.Pos, "A wildcard under %s also matches colons, and so accounts and services that it should not.", op.Name)
		name := strings.Replace(strings.Replace(k.OperatorText(), "StringLike", "ArnLike", 1), "StringNotLike", "ArnNotLike", 1)
		g.Suggestion = name
		if edit, ok := c.replace(at, quoted(name)); ok && siblings != nil && !taken(siblings, name) && c.alone(k) && all(texts(k.Values), sixParts) {
			g.mend("Write "+quoted(name), edit)
		}
	case row.Fits(op.Type) || among(k.Key, freeKeys):
	case row.Type == policy.DateType:
		c.add("TYPE_MISMATCH_DATE", k.Pos, "%s is a date; %s does not compare dates.", k.KeyText, op.Name)
	default:
		c.add("TYPE_MISMATCH", k.Pos, "%s is of type %s; %s compares values of type %s.", k.KeyText, row.Type, op.Name, op.Type)
	}
}

// freeKeys hold text of whatever type somebody gave it.
var freeKeys = []string{"aws:requesttag/", "aws:resourcetag/", "aws:principaltag/", "kms:encryptioncontext:", "saml:"}

func sixParts(text string) bool {
	return strings.HasPrefix(text, "arn:") && strings.Count(text, ":") >= 5
}

func taken(siblings *policy.Node, name string) bool {
	return slices.ContainsFunc(siblings.Members, func(m policy.Member) bool { return strings.EqualFold(m.Name, name) })
}

// alone tells whether a condition is the only one under its operator.
func (c *checker) alone(k *policy.Condition) bool {
	p, ok := c.places[k.Pos.Offset]
	return ok && p.parent != nil && len(p.parent.Members) == 1
}

func patterned(v policy.Value) bool {
	return slices.ContainsFunc(v.Parts, func(p policy.Part) bool { return p.Kind == policy.AnyText || p.Kind == policy.AnyChar })
}

// wildcardText looks for stars under operators that take them as text.
func (c *checker) wildcardText(_ *facts, k *policy.Condition) {
	op, _ := policy.OperatorNamed(k.Operator)
	if op.Type != policy.StringType || op.Wildcards {
		return
	}
	for _, v := range k.Values {
		if !slices.ContainsFunc(v.Parts, func(p policy.Part) bool { return p.Kind == policy.Literal && strings.Contains(p.Text, "*") }) ||
			strings.Contains(v.Text, "${*}") {
			continue
		}
		g := c.add("WILDCARD_WITHOUT_LIKE_OPERATOR", v.Pos, "%s takes * as a star and no more.", op.Name)
		if strings.HasSuffix(op.Name, "Equals") {
			g.Suggestion = strings.Replace(k.OperatorText(), "Equals", "Like", 1)
		}
	}
}

// booleans looks for lists of truth values.
func (c *checker) booleans(_ *facts, k *policy.Condition) {
	if k.Operator == "Bool" && len(k.Values) > 1 {
		c.add("INVALID_CONDITION_MULTIPLE_BOOLEAN", k.Pos, "A condition has one truth value; a list of several is either one too many or always true.")
	}
}

// numbers looks for bounds of which one alone counts.
func (c *checker) numbers(_ *facts, k *policy.Condition) {
	if !strings.HasPrefix(k.Operator, "NumericLess") && !strings.HasPrefix(k.Operator, "NumericGreater") || len(k.Values) < 2 {
		return
	}
	best := k.Values[0]
	for _, v := range k.Values[1:] {
		a, okA := policy.Number(best.Text)
		b, okB := policy.Number(v.Text)
		if okA && okB && (a.Cmp(b) < 0) == strings.HasPrefix(k.Operator, "NumericLess") {
			best = v
		}
	}
	g := c.add("REDUNDANT_CONDITION_VALUE_NUM", k.Values[0].Pos, "Of these bounds %s alone decides.", best.Text)
	p, ok := c.places[k.Pos.Offset]
	first, okFirst := c.places[best.Pos.Offset]
	if ok && okFirst && p.node.Kind == policy.ArrayNode {
		if edit, ok := c.replace(p.node.Pos, c.text[first.start.Offset:first.end.Offset]); ok {
			g.mend("Keep "+best.Text, edit)
		}
	}
}

// addresses looks at ranges for aws:SourceIp: private ones, which AWS never
// sees there, and those with bits of a host.
func (c *checker) addresses(_ *facts, k *policy.Condition) {
	op, _ := policy.OperatorNamed(k.Operator)
	if op.Type != policy.IPType {
		return
	}
	var inside []policy.Value
	for _, v := range k.Values {
		network, ok := policy.Network(v.Text)
		if !ok {
			continue
		}
		if given, err := netip.ParsePrefix(v.Text); err == nil && given.Addr() != given.Masked().Addr() {
			c.meant(c.add("IMPROVE_IP_RANGE", v.Pos, "The address has bits beyond the %d of the range, which count for nothing.", given.Bits()), v.Pos, network.String())
		}
		if private(network) {
			inside = append(inside, v)
		}
	}
	if k.Key != "aws:sourceip" || len(inside) == 0 {
		return
	}
	id, says := "PRIVATE_IP_ADDRESS", "The address that AWS sees is never private, so the condition never holds; for a VPC use aws:VpcSourceIp, aws:SourceVpc or aws:SourceVpce."
	if op.Negated {
		id, says = "PRIVATE_NOT_IP_ADDRESS", "The address that AWS sees is never private, so the condition always holds; for a VPC use aws:VpcSourceIp, aws:SourceVpc or aws:SourceVpce."
	}
	if len(inside) < len(k.Values) {
		id, says = id+"_SUBSET", "The address that AWS sees is never private; the value counts for nothing."
	}
	c.add(id, inside[0].Pos, "%s", says)
}

// privateRanges are those of RFC 1918, RFC 6598, RFC 3927, RFC 4193 and of
// the host itself.
var privateRanges = func() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8", "fc00::/7", "fe80::/10", "::1/128"} {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}()

func private(n netip.Prefix) bool {
	return slices.ContainsFunc(privateRanges, func(r netip.Prefix) bool { return r.Bits() <= n.Bits() && r.Contains(n.Addr()) })
}

// networkForms are the ids of VPCs and endpoints.
var networkForms = map[string]struct {
	id   string
	form *regexp.Regexp
	like string
}{
	"aws:sourcevpc":  {"INVALID_VPC_FORMAT", regexp.MustCompile(`^vpc-([0-9a-f]{8}|[0-9a-f]{17})$`), "vpc-"},
	"aws:sourcevpce": {"INVALID_VPCE_FORMAT", regexp.MustCompile(`^vpce-([0-9a-f]{8}|[0-9a-f]{17})$`), "vpce-"},
}

func (c *checker) networkIDs(_ *facts, k *policy.Condition) {
	want, ok := networkForms[k.Key]
	if !ok || k.Operator == "Null" {
		return
	}
	for _, v := range k.Values {
		if v.HasVariable() || patterned(v) && (strings.HasPrefix(v.Text, want.like) || star(v)) || want.form.MatchString(v.Text) {
			continue
		}
		c.add(want.id, v.Pos, "An id of this kind is %s and 8 or 17 hexadecimal digits.", want.like)
	}
}

// keyARNKeys are condition keys of other services whose values are ARNs of
// keys.
var keyARNKeys = []string{"s3:x-amz-server-side-encryption-aws-kms-key-id", "sagemaker:volumekmskey", "sagemaker:outputkmskey",
	"secretsmanager:kmskeyarn", "dynamodb:kmskeyarn", "lambda:kmskeyarn"}

var keyARN = regexp.MustCompile(`^(arn:[^:]+:kms:[^:]+:[^:]+:key/.+|arn:[^:]*\*.*|\*)$`)

func (c *checker) keyValue(_ *facts, k *policy.Condition) {
	if !slices.Contains(keyARNKeys, k.Key) || k.Operator == "Null" {
		return
	}
	for _, v := range k.Values {
		if v.HasVariable() || keyARN.MatchString(v.Text) {
			continue
		}
		c.add("INVALID_KMS_KEY_VALUE", v.Pos, "The service compares with the ARN of a key; an id or an alias never matches.")
	}
}

// passed looks for conditions on the time of the request that have run out.
func (c *checker) passed(f *facts, k *policy.Condition) {
	op, _ := policy.OperatorNamed(k.Operator)
	if c.o.Now.IsZero() || k.Key != "aws:currenttime" && k.Key != "aws:epochtime" || len(k.Values) == 0 {
		return
	}
	ends := strings.HasSuffix(op.Name, "LessThan") || strings.HasSuffix(op.Name, "LessThanEquals") || op.Name == "DateEquals"
	if !ends || op.Negated {
		return
	}
	var last time.Time
	for _, v := range k.Values {
		at, ok := policy.Date(v.Text)
		if !ok || v.HasVariable() || !at.Before(c.o.Now) {
			return
		}
		if at.After(last) {
			last = at
		}
	}
	what := "allows nothing any more"
	if f.s.Effect == policy.Deny {
		what = "denies nothing any more"
	}
	c.add("KR_DATE_PASSED", k.Values[0].Pos, "The time ran out on %s, so the statement %s.", last.Format(time.RFC3339), what)
}
