package world

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/crypto/spec"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// maxAliases is the quota of aliases on one key: Guide, "Quotas".
const maxAliases = 50

// key reads a key that the world describes.
func (l *loader) key(a *Account, name string, v value) {
	k := &Key{Account: a.ID, Name: name, Spec: string(spec.SymmetricDefault), Origin: string(spec.OriginKMS), State: "Enabled"}
	v.named(isKeyName)
	t := table{
		"region":       textInto(&k.Region, isRegion),
		"id":           textInto(&k.ID, isKeyID),
		"spec":         textInto(&k.Spec),
		"usage":        textInto(&k.Usage),
		"origin":       textInto(&k.Origin, keyOrigins),
		"description":  textInto(&k.Description, atMost(8192)),
		"state":        textInto(&k.State, keyStates),
		"aws-managed":  boolInto(&k.AWSManaged),
		"multi-region": boolInto(&k.MultiRegion),
		"replica-of":   textInto(&k.ReplicaOf, isRegion),
		"tags":         tagsInto(&k.Tags),
		"aliases":      textsInto(&k.Aliases, isKeyAlias),
		"policy": func(v value) {
			k.Policy = &Policy{Account: a.ID}
			l.policyInto(k.Policy, policy.Key)(v)
		},
		"grants": func(v value) { l.later(func() { l.grants(a, k, v) }) },
	}
	v.fields(t)
	l.completeKey(a, k, v)
	a.Keys = append(a.Keys, k)
}

// completeKey fills in what the world left open, and checks what goes together.
func (l *loader) completeKey(a *Account, k *Key, v value) {
	if k.Region == "" {
		k.Region = a.Regions[0]
	} else if !slices.Contains(a.Regions, k.Region) {
		v.child("region").failf("the account does not have this Region")
	}
	entry, known := spec.Lookup(spec.KeySpec(k.Spec))
	if !known {
		v.child("spec").failf("there is no key spec %q", k.Spec)
		return
	}
	if k.Usage == "" {
		k.Usage = string(entry.Usages()[0])
	}
	if !entry.Permits(spec.Usage(k.Usage)) {
		v.failf("a key of spec %s cannot have the usage %s", k.Spec, k.Usage)
	}
	if !entry.PermitsOrigin(spec.Origin(k.Origin)) {
		v.failf("a key of spec %s cannot have the origin %s", k.Spec, k.Origin)
	}
	l.checkReplica(a, k, v)
	if k.ID == "" {
		k.ID = keyID(k.Account, k.Region, k.Name, k.MultiRegion)
	}
	if k.MultiRegion != strings.HasPrefix(k.ID, "mrk-") {
		v.failf("the id of a multi-Region key, and of no other, begins with mrk-")
	}
	k.ARN = "arn:" + l.world.partition + ":kms:" + k.Region + ":" + k.Account + ":key/" + k.ID
	l.checkAliases(k, v)
	slices.Sort(k.Aliases)
	l.unique(k.ARN, v)
}

// checkReplica holds a replica against its set: it shares the id of its
// primary, in another Region.
func (l *loader) checkReplica(a *Account, k *Key, v value) {
	if k.ReplicaOf == "" {
		return
	}
	k.MultiRegion = true
	switch at := v.child("replica-of"); {
	case k.ReplicaOf == k.Region:
		at.failf("the primary key of a replica is in another Region")
	case !slices.Contains(a.Regions, k.ReplicaOf):
		at.failf("the account does not have this Region")
	case k.ID == "":
		at.failf("a replica has the id of its primary key: give it")
	}
}

func (l *loader) checkAliases(k *Key, v value) {
	if len(k.Aliases) > maxAliases {
		v.failf("more than %d aliases", maxAliases)
	}
	for _, alias := range k.Aliases {
		if strings.HasPrefix(alias, reservedAliases) != k.AWSManaged {
			v.failf("the aliases of AWS managed keys, and of no others, begin with alias/aws/")
		}
		l.unique(k.Account+" "+k.Region+" "+alias, v)
	}
}

// unique refuses the second thing of one id or alias.
func (l *loader) unique(name string, v value) {
	if other, taken := l.taken[name]; taken {
		v.keyFailf("has the same id or alias as %s", other.field)
		return
	}
	l.taken[name] = v
}

// grantOperations are those of the API: CreateGrant, Operations.
var grantOperations = oneOf("Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom",
	"ReEncryptTo", "Sign", "Verify", "GetPublicKey", "CreateGrant", "RetireGrant", "DescribeKey", "GenerateDataKeyPair",
	"GenerateDataKeyPairWithoutPlaintext", "GenerateMac", "VerifyMac", "DeriveSharedSecret")

// grants reads the grants on a key by name. It runs when all principals are
// known.
func (l *loader) grants(a *Account, k *Key, v value) {
	for _, e := range v.entries() {
		g := &Grant{Name: e.key.Value, ID: grantID(k.ARN, e.key.Value)}
		e.named(isGrantName)
		e.fields(table{
			"grantee":    l.granteeInto(&g.Grantee, a),
			"retiree":    l.granteeInto(&g.Retiree, a),
			"operations": textsInto(&g.Operations, grantOperations),
			"equals":     constraintInto(&g.Equals),
			"subset":     constraintInto(&g.Subset),
			"created":    timeInto(&g.Created),
		}, "grantee", "operations")
		if g.Operations != nil && len(g.Operations) == 0 {
			e.failf("a grant names at least one operation")
		}
		k.Grants = append(k.Grants, g)
	}
	slices.SortFunc(k.Grants, func(a, b *Grant) int { return strings.Compare(a.Name, b.Name) })
}

// granteeInto reads an ARN, or root, user/NAME or role/NAME of the account.
func (l *loader) granteeInto(to *string, a *Account) func(value) {
	return func(v value) {
		text, ok := v.text()
		if !ok {
			return
		}
		switch arn, local := l.local(a, text); {
		case local:
			*to = arn
		case l.world.knowsARN(text), l.world.knowsService(text):
			*to = text
		default:
			v.failf("no such principal in this world; name it by ARN, or as root, user/NAME or role/NAME of this account")
		}
	}
}

// local translates the short names of an account's principals.
func (l *loader) local(a *Account, text string) (string, bool) {
	kind, name, _ := strings.Cut(text, "/")
	switch kind {
	case "root":
		return a.RootARN(l.world.partition), name == ""
	case "user":
		i := slices.IndexFunc(a.Users, func(u *User) bool { return u.Name == name })
		if i >= 0 {
			return a.Users[i].ARN, true
		}
	case "role":
		if r := l.world.RoleByName(a.ID, name); r != nil {
			return r.ARN, true
		}
	}
	return "", false
}

func constraintInto(to *map[string]string) func(value) {
	return func(v value) {
		pairsInto(to, isECName, isECValue)(v)
		if len(*to) > 8 {
			v.failf("a constraint has at most 8 pairs")
		}
	}
}
