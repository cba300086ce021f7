package lint

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// sameCallers tells whether two statements name a principal in common; in
// kinds without Principal they do.
func sameCallers(a, b *policy.Statement) bool {
	if len(a.Principals)+len(b.Principals) == 0 || a.NotPrincipal || b.NotPrincipal {
		return true
	}
	return slices.ContainsFunc(a.Principals, func(p policy.Principal) bool {
		return slices.ContainsFunc(b.Principals, func(q policy.Principal) bool {
			return p.Text == q.Text || p.Type == policy.Everyone || q.Type == policy.Everyone ||
				p.Type == policy.Account && q.Type == policy.Account && p.Account == q.Account
		})
	})
}

// granted tells whether any statement allows one of the actions to somebody
// whom s names.
func (c *checker) granted(s *policy.Statement, names ...string) bool {
	return slices.ContainsFunc(c.facts, func(f facts) bool { return f.allows(names...) && sameCallers(f.s, s) })
}

// delegates tells whether statements let identity policies count for one of the
// actions, for each of those whom s names: those of their own account do.
func (c *checker) delegates(s *policy.Statement, names ...string) bool {
	to := func(account string) bool {
		return slices.ContainsFunc(c.facts, func(f facts) bool {
			return f.allows(names...) && !f.s.NotPrincipal && slices.ContainsFunc(f.s.Principals, func(p policy.Principal) bool {
				return p.Type == policy.Account && (account == "" || p.Account == account)
			})
		})
	}
	return !slices.ContainsFunc(s.Principals, func(p policy.Principal) bool { return p.Type == policy.Service || !to(p.Account) })
}

// reEncryptHalf looks for principals that have one half of ReEncrypt on the
// key. On two keys that may be meant, on one it never works.
func (c *checker) reEncryptHalf(f *facts) {
	if f.s.Effect != policy.Allow || f.s.NotAction || c.kind != policy.Key {
		return
	}
	halves := []string{"kms:ReEncryptFrom", "kms:ReEncryptTo"}
	for i, a := range f.s.Actions {
		for h, half := range halves {
			other := halves[1-h]
			if !slices.Equal(f.named[i], []string{half}) || c.granted(f.s, other) || c.delegates(f.s, other) || !sameKey(f.s) {
				continue
			}
			g := c.add("KR_REENCRYPT_HALF", a.Pos, "%s is allowed and %s is not, so the key cannot be re-encrypted under itself.", half, other)
			g.Suggestion = "kms:ReEncrypt*"
		}
	}
}

// sameKey tells whether nothing says that the other half is another key's.
func sameKey(s *policy.Statement) bool {
	return !slices.ContainsFunc(s.Conditions, func(k policy.Condition) bool {
		return k.Key == "kms:reencryptonsamekey" && len(k.Values) == 1 && strings.EqualFold(k.Values[0].Text, "false")
	})
}

// wildcardGrows looks for wildcards over administrative actions. Who may put
// the key policy may have every action anyhow.
func (c *checker) wildcardGrows(f *facts) {
	if f.s.Effect != policy.Allow || f.s.NotAction || c.o.AWSManaged || c.granted(f.s, "kms:PutKeyPolicy") {
		return
	}
	for i, a := range f.s.Actions {
		service, name, _ := strings.Cut(a.Text, ":")
		if !wild(name) || wild(service) || !slices.ContainsFunc(f.named[i], administers) {
			continue
		}
		c.add("KR_WILDCARD_GROWS", a.Pos, "%s matches %s today, and whatever AWS adds under that name.", a.Text, strings.Join(f.named[i], ", "))
	}
}

// administers tells whether an action changes a key or who may use it.
func administers(name string) bool {
	a, ok := policy.ActionNamed(name)
	return ok && strings.HasPrefix(name, "kms:") && !a.ReadOnly && !slices.Contains(cryptographic, name) && name != "kms:GenerateRandom"
}

// resourceKeys narrow a statement to some keys.
var resourceKeys = []string{"aws:resourcetag/", "aws:resourceaccount", "aws:resourceorgid", "aws:resourceorgpaths", "kms:resourcealiases",
	"kms:requestalias", "kms:viaservice", "kms:encryptioncontext:", "kms:encryptioncontextkeys", "kms:calleraccount", "aws:calledvia", "aws:calledviafirst",
	"aws:calledvialast"}

// wideIdentity looks for identity policies that decrypt with every key.
func (c *checker) wideIdentity(f *facts) {
	if c.kind != policy.Identity || f.s.Effect != policy.Allow {
		return
	}
	for _, a := range f.s.Actions {
		if strings.EqualFold(a.Text, "kms:*") && !f.s.NotAction {
			c.add("iam_policy_no_full_access_to_kms", a.Pos, "The policy allows every action of kms, now and in future.")
		}
	}
	if !f.reaches(decrypting...) || narrowed(f.s, resourceKeys) || nullChecked(f.s, resourceKeys) {
		return
	}
	for _, r := range f.s.Resources {
		if f.s.NotResource || everyAccount(r.Text) {
			c.add("RESOURCE_STAR", r.Pos, "The policy allows decryption with every key of every account whose key policy lets it. Name the keys, or narrow by tag or alias.")
			return
		}
	}
}

// everyAccount tells whether a resource pattern matches keys of any account.
func everyAccount(text string) bool {
	fields := strings.SplitN(text, ":", 6)
	if strings.Trim(text, "*") == "" {
		return true
	}
	for i, want := range []string{"arn", "aws", "kms"} {
		if i < len(fields) && !covers(fields[i], want) {
			return false
		}
	}
	return len(fields) < 5 || strings.Trim(fields[4], "*?") == "" && fields[4] != "" && (len(fields) < 6 || covers(fields[5], "key/*"))
}

// narrowed tells whether a condition demands the presence and a value of one
// of the keys. Keys that end in : or / are prefixes.
func narrowed(s *policy.Statement, keys []string) bool {
	return slices.ContainsFunc(s.Conditions, func(k policy.Condition) bool { return demands(&k) && among(k.Key, keys) })
}

// demands tells whether a condition holds only with the key present and of
// one of the values.
func demands(k *policy.Condition) bool {
	op, ok := policy.OperatorNamed(k.Operator)
	return ok && !op.Negated && !k.IfExists && k.Set != policy.ForAllValues && op.Type != policy.PresenceType
}

func among(key string, keys []string) bool {
	return slices.ContainsFunc(keys, func(k string) bool {
		return key == k || (strings.HasSuffix(k, ":") || strings.HasSuffix(k, "/")) && strings.HasPrefix(key, k)
	})
}
