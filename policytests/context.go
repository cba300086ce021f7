package policytests

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/condition"
	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/policytests/caseline"
	"github.com/keyreeve/keyreeve/rego/policy"
	"github.com/keyreeve/keyreeve/rego/slip"
)

// sourceIP is where requests come from that say nothing of it: an address that
// RFC 5737 keeps for examples.
var sourceIP = netip.MustParseAddr("192.0.2.1")

// origins say where condition keys come from that a line cannot set, because a
// caller cannot: by name, or by prefix where it ends in a slash.
var origins = map[string]string{
	"aws:principalarn":          "the principal",
	"aws:principaltype":         "the principal",
	"aws:principalaccount":      "the principal",
	"aws:userid":                "the principal",
	"aws:username":              "the principal",
	"kms:calleraccount":         "the principal",
	"aws:principaltag/":         "tags in the world, or with tag NAME=VALUE",
	"aws:principalorgid":        "the organization in the world",
	"aws:principalorgpaths":     "the organization in the world",
	"aws:tokenissuetime":        "the session",
	"aws:federatedprovider":     "the world's web-identities",
	"aws:sourceidentity":        "with source-identity NAME",
	"aws:multifactorauthage":    "with mfa SECONDS",
	"aws:resourceaccount":       "the resource",
	"aws:resourceorgid":         "the organization in the world",
	"aws:resourceorgpaths":      "the organization in the world",
	"aws:resourcetag/":          "the tags of the key in the world",
	"kms:resourcealiases":       "the aliases of the key in the world",
	"kms:requestalias":          "alias/NAME in the place of the key",
	"kms:encryptioncontextkeys": "kms:EncryptionContext:NAME=VALUE",
	"aws:currenttime":           "at TIME",
	"aws:epochtime":             "at TIME",
	"aws:requestedregion":       "in REGION",

	"aws:multifactorauthpresent": "with mfa SECONDS, or with mfa none",
}

// created are the condition keys of a key that a CreateKey asks for.
var created = map[string]func(*condition.Key, string){
	"kms:keyspec":                func(k *condition.Key, v string) { k.Spec = v },
	"kms:customermasterkeyspec":  func(k *condition.Key, v string) { k.Spec = v },
	"kms:keyusage":               func(k *condition.Key, v string) { k.Usage = v },
	"kms:customermasterkeyusage": func(k *condition.Key, v string) { k.Usage = v },
	"kms:keyorigin":              func(k *condition.Key, v string) { k.Origin = v },
	"kms:multiregionkeytype":     func(k *condition.Key, v string) { k.MultiRegionKeyType = v },
	"kms:multiregion": func(k *condition.Key, v string) {
		k.MultiRegion = v == "true"
		if k.MultiRegionKeyType = ""; k.MultiRegion {
			k.MultiRegionKeyType = "PRIMARY"
		}
	},
}

// requestTags and encryptionContext are the prefixes of keys that become more
// than one key.
const (
	encryptionContext = "kms:encryptioncontext:"
	requestTags       = "aws:requesttag/"
)

// side reads the condition keys that belong to the request's parameters.
func (q *asked) side() error {
	keys := condition.Context{}
	tags := map[string]string{}
	side := &q.check.Side
	seen := map[string]bool{}
	for _, p := range q.request.Keys {
		name := strings.ToLower(p.Key)
		row, err := q.settable(p)
		if err != nil {
			return err
		}
		given := name
		if row.Prefix() {
			given = strings.ToLower(row.Name) + p.Key[len(row.Name):] // names after a prefix keep case
		}
		switch {
		case seen[given]:
			return failf(caseline.Word{Text: p.Key, Pos: p.Pos}, "%s is given twice", p.Key)
		case strings.HasPrefix(name, encryptionContext):
			if side.EncryptionContext == nil {
				side.EncryptionContext = map[string]string{}
			}
			side.EncryptionContext[p.Key[len(encryptionContext):]] = p.Values[0]
		case strings.HasPrefix(name, requestTags):
			tags[p.Key[len(requestTags):]] = p.Values[0]
		case q.check.Resource.Key != nil && q.check.Resource.ARN == "*" && created[name] != nil:
			created[name](q.check.Resource.Key, p.Values[0])
		case !row.Global:
			keys.Set(name, p.Values...)
		}
		seen[given] = true
	}
	if len(tags) > 0 {
		for name, values := range condition.RequestTags(tags) {
			if _, given := keys[name]; !given {
				keys.Set(name, values...)
			}
		}
	}
	side.Keys = keys
	return q.child(keys)
}

// settable checks that a request can bring a condition key.
func (q *asked) settable(p caseline.Pair) (policy.ConditionKey, error) {
	w := caseline.Word{Text: p.Key, Pos: p.Pos}
	row, err := q.row(w)
	if err != nil {
		return row, err
	}
	if (len(p.Values) > 1 || p.List) && !row.Many {
		return row, failf(w, "%s has one value", p.Key)
	}
	return row, nil
}

// row finds a condition key, and refuses those that requests for the action
// cannot bring.
func (q *asked) row(w caseline.Word) (policy.ConditionKey, error) {
	row, known := policy.ConditionKeyNamed(w.Text)
	name := strings.ToLower(w.Text)
	prefix := strings.ToLower(row.Name)
	switch {
	case !known || !row.Prefix() && prefix != name || row.Prefix() && len(name) <= len(prefix):
		return row, failf(w, "there is no condition key %s%s", w.Text, slip.Ask(slip.Key(w.Text, keyNames(), len(w.Text)/3)))
	case row.Absent:
		return row, failf(w, "no request ever has %s", row.Name)
	case origins[prefix] != "":
		return row, failf(w, "%s cannot be set by a request; it comes from %s", w.Text, origins[prefix])
	case !row.Global && !slices.Contains(q.action.ConditionKeys, row.Name):
		return row, failf(w, "requests for %s do not have %s", q.action.Name, w.Text)
	case created[name] != nil && q.check.Resource.ARN != "*":
		return row, failf(w, "%s cannot be set by a request; it comes from the key in the world", w.Text)
	}
	return row, nil
}

// child is the grant that a CreateGrant asks for.
func (q *asked) child(keys condition.Context) error {
	if q.action.Name != "kms:CreateGrant" {
		return nil
	}
	pairs := q.check.Side.EncryptionContext
	q.check.Child = &decision.Child{Operations: keys["kms:grantoperations"]}
	switch kind := keys["kms:grantconstrainttype"]; {
	case len(pairs) == 0 && len(kind) == 0:
	case len(pairs) == 0:
		return failf(q.request.Actions[0], "a constraint has pairs: add kms:EncryptionContext:NAME=VALUE")
	case slices.Equal(kind, []string{"EncryptionContextEquals"}):
		q.check.Child.Equals = pairs
	case slices.Equal(kind, []string{"EncryptionContextSubset"}):
		q.check.Child.Subset = pairs
	default:
		return failf(q.request.Actions[0], "say which constraint: kms:GrantConstraintType=EncryptionContextEquals or …Subset")
	}
	return nil
}

// override sets the global keys that the request brings, and takes away those
// that it lacks.
func (q *asked) override(keys condition.Context) error {
	for _, p := range q.request.Keys {
		row, err := q.settable(p)
		if err != nil {
			return err
		}
		if row.Global && !isSource(p.Key) {
			keys.Set(p.Key, p.Values...)
		}
	}
	for _, w := range q.request.Absent {
		if _, err := q.row(w); err != nil {
			return err
		}
		name := strings.ToLower(w.Text)
		if slices.ContainsFunc(q.request.Keys, func(p caseline.Pair) bool { return strings.EqualFold(p.Key, w.Text) }) {
			return failf(w, "%s is both given and absent", w.Text)
		}
		delete(keys, name)
	}
	return nil
}
