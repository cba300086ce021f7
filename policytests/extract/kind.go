package extract

import (
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// kindOfContent tells the kind of a policy document by what its statements
// say, where that is clear.
func kindOfContent(statements []*node) (Kind, bool) {
	var principal, resource, kms, trust, everything bool
	for _, s := range statements {
		principal = principal || s.folded("Principal") != nil || s.folded("NotPrincipal") != nil
		resource = resource || s.folded("Resource") != nil || s.folded("NotResource") != nil
		for _, key := range []string{"Action", "NotAction"} {
			for _, a := range s.folded(key).strings() {
				a = strings.ToLower(a)
				kms = kms || strings.HasPrefix(a, "kms:")
				trust = trust || strings.HasPrefix(a, "sts:")
				everything = everything || a == "*"
			}
		}
	}
	switch {
	case !principal:
		return Kind{Policy: policy.Identity}, true
	case trust && !kms && !resource:
		return Kind{Policy: policy.Trust}, true
	case kms || everything:
		return Kind{Policy: policy.Key}, true
	}
	return Kind{}, false
}

// isGrantList tells whether a value is what ListGrants answers.
func isGrantList(n *node) bool {
	grants := n.get("Grants")
	return grants.isList() && (len(grants.items) == 0 || slices.ContainsFunc(grants.items, isGrant))
}

func isGrant(n *node) bool {
	return n.get("GranteePrincipal") != nil || n.get("GranteeServicePrincipal") != nil
}
