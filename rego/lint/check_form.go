package lint

import (
	"regexp"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// version looks for a Version, which service and resource control policies
// must have; policy.Parse says so.
func (c *checker) version() {
	if _, ok := c.tree.Member("Version"); ok || c.kind == policy.SCP || c.kind == policy.RCP || c.tree.Kind != policy.ObjectNode {
		return
	}
	f := c.add("MISSING_VERSION", c.tree.Pos, "The policy has no Version and so follows 2008-10-17, in which policy variables are plain text.")
	if !strings.Contains(c.text, "${") {
		c.mendMissingVersion(f, policy.Error{})
	}
}

// managedQuota is the quota of managed identity policies in characters
// without white space; inline policies of roles may be larger (IAM User Guide,
// IAM and STS quotas).
const managedQuota = 6144

// size tells of documents that need more than the default quota. Larger ones
// policy.Parse refuses.
func (c *checker) size() {
	size := policy.Measure(c.kind, []byte(c.text))
	quota := size.Quota
	if c.kind == policy.Identity {
		quota = managedQuota
	}
	if size.Count <= quota || size.Count > size.Max {
		return
	}
	id := "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA"
	if c.kind == policy.Trust {
		id = "POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA"
	}
	c.add(id, c.tree.Pos, "The policy has %d %s; the quota is %d, and %d only where it was raised or the policy is inline.",
		size.Count, size.Unit, quota, size.Max)
}

// sids looks for Sids that are empty or shared where that is not refused.
func (c *checker) sids() {
	seen := map[string]bool{}
	for i := range c.doc.Statements {
		s := &c.doc.Statements[i]
		m, ok := c.member(s.Pos, "Sid")
		if !ok || m.Value.Kind != policy.StringNode {
			continue
		}
		if s.Sid == "" {
			f := c.add("EMPTY_SID_VALUE", m.Value.Pos, "The Sid is empty.")
			if edit, ok := c.remove(m.Pos); ok {
				f.mend("Remove the Sid", edit)
			}
		} else if seen[s.Sid] {
			c.add("UNIQUE_SIDS_RECOMMENDED", m.Value.Pos, "The Sid %q names two statements, so that evidence cannot tell them apart.", s.Sid)
		}
		seen[s.Sid] = true
	}
}

// variableName is a policy variable that would be replaced under 2012-10-17.
var variableName = regexp.MustCompile(`\$\{[A-Za-z0-9-]+:[^}]*\}`)

// oldVariables looks for variables that the Version in force takes as text.
func (c *checker) oldVariables() {
	if c.doc.Version == policy.Version2012 {
		return
	}
	for i := range c.doc.Statements {
		s := &c.doc.Statements[i]
		values := s.Resources
		for j := range s.Conditions {
			values = append(values[:len(values):len(values)], s.Conditions[j].Values...)
		}
		for _, v := range values {
			name := variableName.FindString(v.Text)
			if name == "" {
				continue
			}
			f := c.add("KR_OLD_VERSION_WITH_VARIABLES", v.Pos, "Under Version %s, %s is plain text that no request holds; only %s replaces it.", policy.Version2008, name, policy.Version2012)
			if m, ok := c.tree.Member("Version"); !ok {
				c.mendMissingVersion(f, policy.Error{})
			} else if edit, ok := c.replace(m.Value.Pos, quoted(policy.Version2012)); ok {
				f.mend("Set the Version to "+policy.Version2012, edit)
			}
		}
	}
}

// empty looks for lists and objects without content.
func (c *checker) empty(f *facts) {
	for _, e := range []struct{ name, id string }{{"Action", "EMPTY_ARRAY_ACTION"}, {"Resource", "EMPTY_ARRAY_RESOURCE"}} {
		if m, ok := c.member(f.s.Pos, e.name); ok && void(&m.Value, policy.ArrayNode) {
			c.add(e.id, m.Value.Pos, "The list of %s is empty, so the statement matches nothing.", e.name)
		}
	}
	if m, ok := c.member(f.s.Pos, "Principal"); ok {
		if void(&m.Value, policy.ObjectNode) {
			c.add("EMPTY_OBJECT_PRINCIPAL", m.Value.Pos, "The Principal is empty, so the statement matches nobody.")
		}
		for i := range m.Value.Members {
			if e := &m.Value.Members[i]; void(&e.Value, policy.ArrayNode) {
				c.add("EMPTY_ARRAY_PRINCIPAL", e.Value.Pos, "The list of principals under %s is empty.", e.Name)
			}
		}
	}
	if m, ok := c.member(f.s.Pos, "Condition"); ok {
		c.emptyCondition(m)
	}
}

func (c *checker) emptyCondition(m *policy.Member) {
	if void(&m.Value, policy.ObjectNode) {
		c.emptyObject(m, "The Condition is empty and narrows nothing.")
	}
	for i := range m.Value.Members {
		block := &m.Value.Members[i]
		if void(&block.Value, policy.ObjectNode) {
			c.emptyObject(block, "The operator "+block.Name+" compares nothing and narrows nothing.")
		}
		id, low := "EMPTY_ARRAY_CONDITION", strings.ToLower(block.Name)
		switch {
		case strings.HasPrefix(low, "forallvalues:"):
			id = "EMPTY_ARRAY_CONDITION_FORALLVALUES"
		case strings.HasPrefix(low, "foranyvalue:"):
			id = "EMPTY_ARRAY_CONDITION_FORANYVALUE"
		case strings.HasSuffix(low, "ifexists"):
			id = "EMPTY_ARRAY_CONDITION_IFEXISTS"
		}
		negated := strings.Contains(low, "not") || low == "null"
		for j := range block.Value.Members {
			if key := &block.Value.Members[j]; void(&key.Value, policy.ArrayNode) && !negated {
				c.add(id, key.Value.Pos, "%s compares %s with an empty list.", block.Name, key.Name)
			}
		}
	}
}

func (c *checker) emptyObject(m *policy.Member, says string) {
	f := c.add("EMPTY_OBJECT_CONDITION", m.Value.Pos, "%s", says)
	if edit, ok := c.remove(m.Pos); ok {
		f.mend("Remove "+m.Name, edit)
	}
}

// void tells whether n is an empty list or object, as kind says.
func void(n *policy.Node, kind policy.NodeKind) bool {
	return n.Kind == kind && len(n.Members)+len(n.Items) == 0
}
