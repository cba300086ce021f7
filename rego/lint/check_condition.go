package lint

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
	"github.com/keyreeve/keyreeve/rego/slip"
)

// keyNames are the condition keys with a given prefix, for suggestions.
func keyNames(prefix string) []string {
	var names []string
	for _, k := range policy.ConditionKeys {
		if strings.HasPrefix(strings.ToLower(k.Name), prefix) {
			names = append(names, k.Name)
		}
	}
	return names
}

// conditionKey looks for keys that do not exist.
func (c *checker) conditionKey(f *facts, k *policy.Condition) {
	prefix, _, _ := strings.Cut(k.Key, ":")
	row, known := policy.ConditionKeyNamed(k.Key)
	newer, retired := retiredKeys[k.Key]
	switch {
	case retired:
		c.retired(k, newer, known)
	case known && row.Absent || slices.ContainsFunc(otherGlobalKeys, func(n string) bool { return strings.EqualFold(n, k.Key) }):
		if f.onlyOurs() {
			c.add("USE_CONDITION_KEY_ONLY_WITH_SUPPORTED_SERVICES", k.Pos, "%s exists, but no request to KMS holds it.", k.KeyText)
		}
	case known:
	case prefix == "aws":
		c.unknownKey("INVALID_GLOBAL_CONDITION_KEY", prefix+":", k)
	case prefix == "kms" || prefix == "sts" && !otherSTSKey(k.Key):
		c.unknownKey("INVALID_SERVICE_CONDITION_KEY", prefix+":", k)
	case services.has[prefix] || strings.ContainsAny(prefix, "./"):
		// Keys of services and identity providers; trust policies and other
		// services' actions have them.
		if services.has[prefix] && f.onlyOurs() && prefix != "sts" && prefix != "iam" {
			c.add("UNSUPPORTED_ACTION_FOR_CONDITION_KEY", k.Pos, "%s is a key of another service; no request to KMS holds it.", k.KeyText)
		}
	case prefix == "saml" || prefix == "www":
	default:
		c.unknownKey("INVALID_SERVICE_CONDITION_KEY", "", k)
	}
}

// otherSTSKey tells keys of sts that exist and stand in no table.
func otherSTSKey(key string) bool {
	return strings.HasPrefix(key, "sts:requestcontext/") || slices.ContainsFunc(otherSTSKeys, func(n string) bool { return strings.EqualFold(n, key) })
}

// onlyOurs tells whether all actions of a statement are in the table.
func (f *facts) onlyOurs() bool {
	for i, a := range f.s.Actions {
		low := strings.ToLower(a.Text)
		if len(f.named[i]) == 0 || !strings.HasPrefix(low, "kms:") {
			return false
		}
	}
	return len(f.s.Actions) > 0 && !f.s.NotAction
}

func (c *checker) retired(k *policy.Condition, newer string, known bool) {
	g := c.add("DEPRECATED_GLOBAL_CONDITION_KEY", k.Pos, "%s is now called %s.", k.KeyText, newer)
	if !known {
		g.Severity = Error
		g.Message += " No request holds the old name."
	}
	p, ok := c.places[k.Pos.Offset]
	if ok && p.parent != nil && !slices.ContainsFunc(p.parent.Members, func(m policy.Member) bool { return strings.EqualFold(m.Name, newer) }) {
		c.meant(g, k.Pos, newer)
	}
}

func (c *checker) unknownKey(id, prefix string, k *policy.Condition) {
	g := c.add(id, k.Pos, "There is no condition key %q, so no request holds it.", k.KeyText)
	if near, ok := nearestKey(k.KeyText, keyNames(prefix)); ok {
		c.guessed(g, k.Pos, near.word, near)
	}
}

// nearestKey finds a key; what follows the prefix of one stays as it is.
func nearestKey(text string, names []string) (guess, bool) {
	if name, ok := slip.Name(text, names); ok {
		return guess{name, true}, true
	}
	return nearest(text, names)
}

// qualifier looks at ForAnyValue and ForAllValues against what the key holds.
func (c *checker) qualifier(f *facts, k *policy.Condition) {
	row, known := policy.ConditionKeyNamed(k.Key)
	op, _ := policy.OperatorNamed(k.Operator)
	if !known || op.Type == policy.PresenceType {
		return
	}
	switch {
	case row.Many && k.Set == policy.NoQualifier:
		at, _ := c.operatorAt(k.Pos)
		c.add("MISSING_QUALIFIER", k.Pos, "A request holds many values of %s; say whether any or all of them must match.", row.Name).Suggestion = "ForAnyValue:" + c.word(at)
	case !row.Many && k.Set == policy.ForAllValues && (c.kind != policy.Key || !refusedByService(k.Key)):
		g := c.add("FORALLVALUES_WITH_SINGLE_VALUED_KEY", k.Pos, "%s has one value, and ForAllValues also holds where it is absent.", k.KeyText)
		at, siblings := c.operatorAt(k.Pos)
		c.unqualify(g, at, siblings)
	case row.Many && k.Set == policy.ForAllValues && f.s.Effect == policy.Allow && !op.Negated && !c.alwaysPresent(f, k):
		c.add("KR_FORALLVALUES_NO_NULL_CHECK", k.Pos, "Without %s in the request the condition holds. Add \"Null\": {%s: \"false\"}.", row.Name, quoted(row.Name))
	}
}

// refusedByService are the keys that the service refuses with ForAllValues in
// key policies; policy.Parse says so.
func refusedByService(key string) bool {
	return strings.HasPrefix(key, "kms:encryptioncontext:") || strings.HasPrefix(key, "aws:requesttag/")
}

// alwaysPresent tells whether the statement matches only requests that hold
// the key, or whose lack of it harms nobody.
func (c *checker) alwaysPresent(f *facts, k *policy.Condition) bool {
	switch {
	case k.Key == "kms:grantoperations" && !slices.ContainsFunc(f.actions, func(a policy.Action) bool { return a.Name != "kms:CreateGrant" }):
		return true
	case k.Key == "aws:tagkeys":
		return true
	case k.Key == "kms:encryptioncontextkeys" && narrowed(f.s, []string{"kms:encryptioncontext:", "kms:viaservice"}):
		// A pair is demanded, or a service that always sends its own.
		return true
	}
	return nullChecked(f.s, []string{k.Key}) ||
		slices.ContainsFunc(f.s.Conditions, func(o policy.Condition) bool { return o.Key == k.Key && demands(&o) })
}

// encryptionContext looks for encryption contexts of which only the names or
// only some of the pairs are pinned.
func (c *checker) encryptionContext(f *facts) {
	if f.s.Effect != policy.Allow || c.kind != policy.Key && c.kind != policy.Identity {
		return
	}
	var pairs, keys []*policy.Condition
	closed := false
	for i := range f.s.Conditions {
		k := &f.s.Conditions[i]
		switch {
		case strings.HasPrefix(k.Key, "kms:encryptioncontext:") && demands(k):
			pairs = append(pairs, k)
		case k.Key == "kms:encryptioncontextkeys" && k.Operator != "Null":
			keys = append(keys, k)
			closed = closed || k.Set == policy.ForAllValues
		}
	}
	for _, k := range keys {
		if len(pairs) == 0 {
			c.add("KR_EC_KEYS_WITHOUT_VALUES", k.Pos, "The names of the encryption context are pinned, its values are not: any value will do.")
			return
		}
	}
	var names []string
	for _, k := range pairs {
		if name := contextName(k); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, k := range pairs {
		name := contextName(k)
		pinned := slices.ContainsFunc(keys, func(o *policy.Condition) bool { return slices.Contains(texts(o.Values), name) })
		switch {
		case !pinned && sentByService(f.s, name):
		case !pinned && strings.ToLower(name) != strings.ToUpper(name):
			c.add("KR_EC_KEY_CASE", k.Pos, "The condition finds %q in any case, while a ciphertext opens in one only. Add \"ForAllValues:StringEquals\": {\"kms:EncryptionContextKeys\": %s}, "+
				"with all other names that callers send: one that is not in the list is refused.", name, quotedList(names))
		case !closed:
			c.add("KR_EC_KEYS_WITHOUT_VALUES", k.Pos, "Beside the pair %q the encryption context may hold others.", name).Severity = Suggestion
		}
	}
}

// contextName is the name of the pair that a condition is about, as it is
// written.
func contextName(k *policy.Condition) string {
	return k.KeyText[strings.LastIndex(strings.ToLower(k.KeyText), "context:")+len("context:"):]
}

// serviceContexts are names that services give the pairs of their encryption
// contexts, beside those that begin with "aws:" (Guide, AWS services using KMS).
var serviceContexts = []string{"secretarn", "secretversionid", "parameter_arn", "kms_cmk_id"}

// sentByService tells whether a service sends the pair: it writes the name the
// same at all times, and other pairs with it, which nobody else can list.
func sentByService(s *policy.Statement, name string) bool {
	name = strings.ToLower(name)
	return strings.HasPrefix(name, "aws:") || slices.Contains(serviceContexts, name) || narrowed(s, []string{"kms:viaservice"}) ||
		len(s.Principals) > 0 && !slices.ContainsFunc(s.Principals, func(p policy.Principal) bool { return p.Type != policy.Service })
}

// nullQualifier looks for set qualifiers before Null.
func (c *checker) nullQualifier(_ *facts, k *policy.Condition) {
	if k.Operator != "Null" || k.Set == policy.NoQualifier {
		return
	}
	at, siblings := c.operatorAt(k.Pos)
	if siblings == nil {
		return
	}
	g := c.add("NULL_WITH_QUALIFIER", at, "Null asks for presence, where a set qualifier has no meaning.")
	c.unqualify(g, at, siblings)
}
