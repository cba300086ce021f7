package policytests

import (
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
	"github.com/keyreeve/keyreeve/rego/slip"
)

// meant asks whether another principal, key or alias of the world was meant:
// one that is called nearly so.
func (a *Asker) meant(name string) string {
	kind, rest, _ := strings.Cut(name, "/")
	var rests []string
	full := map[string]string{}
	for _, w := range append(append(a.Everybody(), a.EveryKey()...), a.everyAlias()...) {
		if k, r, ok := strings.Cut(w.Text, "/"); ok && k == kind {
			rests = append(rests, r)
			full[r] = w.Text
		}
	}
	return slip.Ask(full[slip.Nearest(rest, rests, len(rest)/3)])
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
