package lint

import "github.com/keyreeve/keyreeve/rego/policy"

// The checks, each over one document, one statement, one condition.
var (
	documentChecks  = []func(*checker){checkVersion}
	statementChecks = []func(*checker, *facts){checkActions}
	conditionChecks = []func(*checker, *facts, *policy.Condition){}
)

// menders add to the findings of faults what was meant and how to mend it.
var menders = map[policy.Code]func(*checker, *Finding, policy.Error){}

func checkVersion(c *checker) {
	if _, ok := c.tree.Member("Version"); ok || c.kind == policy.SCP || c.kind == policy.RCP {
		return
	}
	c.add("MISSING_VERSION", c.tree.Pos, "The policy has no Version and so follows 2008-10-17, which knows no policy variables.")
}

func checkActions(c *checker, f *facts) {
	for i, a := range f.s.Actions {
		if len(f.named[i]) == 0 {
			c.add("INVALID_ACTION", a.Pos, "There is no action %q.", a.Text)
		}
	}
}
