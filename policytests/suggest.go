package policytests

import (
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
	"github.com/keyreeve/keyreeve/rego/slip"
)

// Meant asks whether another principal, key or alias of the world was meant:
// one that is called nearly so, or in a short name has one letter otherwise.
func (a *Asker) Meant(name string) string {
	kind, rest, _ := strings.Cut(name, "/")
	var rests []string
	full := map[string]string{}
	for _, w := range append(append(a.Everybody(), a.EveryKey()...), a.everyAlias()...) {
		if k, r, ok := strings.Cut(w.Text, "/"); ok && k == kind {
			rests = append(rests, r)
			full[r] = w.Text
		}
	}
	most := len(rest) / 3
	if len(rest) == 2 {
		most = 1
	}
	return slip.Ask(full[slip.Nearest(rest, rests, most)])
}

func actionNames() []string {
	names := make([]string, len(policy.Actions))
	for i, a := range policy.Actions {
		names[i] = a.Name
	}
	return names
}

func keyNames() []string {
	names := make([]string, len(policy.ConditionKeys))
	for i, k := range policy.ConditionKeys {
		names[i] = k.Name
	}
	return names
}
