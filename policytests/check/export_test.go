package check

import (
	"github.com/keyreeve/keyreeve/policytests/extract"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// AskedOfWorlds is for tests.
var AskedOfWorlds = askedOfWorlds

// Remaining is the document that is left of a policy with faults, and why there
// is none.
func Remaining(p *extract.Policy) (*policy.Document, string) {
	r := remaining(p)
	return r.doc, r.why
}
