package compare

import (
	"bytes"
	"slices"

	"github.com/keyreeve/keyreeve/policytests/extract"
)

// renamed gives policies of the new version that only their name tells from one
// that it lacks the name of that one, each once.
func renamed(old, new *side) {
	for i, name := range new.names {
		if old.policies[name] != nil {
			continue
		}
		p := new.policies[name]
		was := slices.IndexFunc(old.names, func(n string) bool { return new.policies[n] == nil && alike(old.policies[n], p) })
		if was < 0 {
			continue
		}
		before := old.names[was]
		delete(new.policies, name)
		new.policies[before], new.names[i] = p, before
	}
}

// alike tells whether two policies are the same, wherever they stand.
func alike(a, b *extract.Policy) bool {
	return a.Kind == b.Kind && a.Grants == b.Grants && a.Account == b.Account && a.Region == b.Region && bytes.Equal(a.Text, b.Text)
}
