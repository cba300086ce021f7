package extract

import (
	"strconv"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// isPlan tells whether a document is what `terraform show -json` prints of a
// plan or a state.
func isPlan(n *node) bool {
	return n.get("format_version") != nil && (n.get("planned_values") != nil || n.get("values") != nil)
}

// A planned policy is an attribute of a resource type that holds one.
type planned struct {
	// attribute that holds the text, or a list of objects that do, in element.
	attribute, element string
	kind               policy.Kind
}

// resources of the providers aws and awscc that hold policies.
var resources = map[string][]planned{
	"aws_kms_key":                  {{attribute: "policy", kind: policy.Key}},
	"aws_kms_external_key":         {{attribute: "policy", kind: policy.Key}},
	"aws_kms_replica_key":          {{attribute: "policy", kind: policy.Key}},
	"aws_kms_replica_external_key": {{attribute: "policy", kind: policy.Key}},
	"aws_kms_key_policy":           {{attribute: "policy", kind: policy.Key}},
	"awscc_kms_key":                {{attribute: "key_policy", kind: policy.Key}},
	"awscc_kms_replica_key":        {{attribute: "key_policy", kind: policy.Key}},
	"aws_iam_policy":               {{attribute: "policy", kind: policy.Identity}},
	"aws_iam_user_policy":          {{attribute: "policy", kind: policy.Identity}},
	"aws_iam_group_policy":         {{attribute: "policy", kind: policy.Identity}},
	"aws_iam_role_policy":          {{attribute: "policy", kind: policy.Identity}},
	"aws_iam_role": {{attribute: "assume_role_policy", kind: policy.Trust},
		{attribute: "inline_policy", element: "policy", kind: policy.Identity}},
	"aws_vpc_endpoint":                          {{attribute: "policy", kind: policy.Endpoint}},
	"aws_vpc_endpoint_policy":                   {{attribute: "policy", kind: policy.Endpoint}},
	"aws_ssoadmin_permission_set_inline_policy": {{attribute: "inline_policy", kind: policy.Identity}},
	"aws_organizations_policy":                  {{attribute: "content"}},
}

// plan finds the policies of a Terraform plan or state.
func (r *reader) plan(n *node) {
	switch {
	case n.get("errored").isTrue():
		r.fail(n.start, "Terraform could not finish this plan (errored), so nothing is said about resources that are not in it")
	case n.get("complete").isFalse() || len(n.get("deferred_changes").elements()) > 0:
		r.fail(n.start, "this plan is not complete: it leaves changes to a later one (-target, or deferred changes), and nothing is said about those")
	}
	unknown := map[string]*node{}
	for _, c := range n.get("resource_changes").elements() {
		unknown[c.get("address").str()] = c.get("change", "after_unknown")
	}
	root := n.get("planned_values", "root_module")
	if root == nil {
		root = n.get("values", "root_module")
	}
	r.module(root, unknown, 0)
}

func (r *reader) module(m *node, unknown map[string]*node, depth int) {
	if depth > maxNesting {
		return
	}
	for _, res := range m.get("resources").elements() {
		if res.get("mode").str() == "managed" || res.get("mode") == nil {
			r.resource(res, unknown[res.get("address").str()])
		}
	}
	for _, child := range m.get("child_modules").elements() {
		r.module(child, unknown, depth+1)
	}
}

// resource finds the policies of one resource. What is known after the apply
// only is said.
func (r *reader) resource(res, unknown *node) {
	kind, address, values := res.get("type").str(), res.get("address").str(), res.get("values")
	if kind == "aws_kms_grant" {
		r.plannedGrant(address, values)
		return
	}
	if kind == "aws_vpc_endpoint" && !strings.Contains(values.get("service_name").str(), "kms") {
		return
	}
	for _, p := range resources[kind] {
		if kind == "aws_organizations_policy" {
			var ok bool
			if p.kind, ok = guardrails[orDefault(values.get("type").str(), "SERVICE_CONTROL_POLICY")]; !ok {
				continue
			}
		}
		if unknown.get(p.attribute).isTrue() {
			r.unsettled(res.start, address+": its "+p.attribute+" is known after the apply only; take the state then (terraform show -json), or write the policy without values of new resources")
			continue
		}
		r.attribute(p, address, values)
	}
}

func (r *reader) attribute(p planned, address string, values *node) {
	found := Policy{Kind: p.kind, Name: address, Generated: true}
	if p.kind == policy.Key {
		found.Key = plannedKey(values)
	}
	found.Account, found.Region = ownerOf(values.get("arn").str())
	v := values.get(p.attribute)
	if p.element == "" {
		if v.isString() && v.text != "" {
			r.put(found, v, nil)
		}
		return
	}
	for i, e := range v.elements() {
		if text := e.get(p.element); text.isString() && text.text != "" {
			found.Name = address + "." + p.attribute + "[" + strconv.Itoa(i) + "]"
			r.put(found, text, nil)
		}
	}
}

func plannedKey(values *node) KeyFacts {
	return KeyFacts{
		Spec: values.get("customer_master_key_spec").str() + values.get("key_spec").str(), Usage: values.get("key_usage").str(),
		MultiRegion: values.get("multi_region").isTrue(),
	}
}

// ownerOf takes account and Region out of an ARN.
func ownerOf(arn string) (account, region string) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return "", ""
	}
	return parts[4], parts[3]
}

func orDefault(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// grantMembers are the attributes of aws_kms_grant and what ListGrants calls
// them.
var grantMembers = []struct{ attribute, member string }{
	{"name", "Name"}, {"key_id", "KeyId"}, {"grantee_principal", "GranteePrincipal"}, {"retiring_principal", "RetiringPrincipal"},
	{"operations", "Operations"}, {"grant_id", "GrantId"},
}

var constraintMembers = []struct{ attribute, member string }{
	{"encryption_context_equals", "EncryptionContextEquals"}, {"encryption_context_subset", "EncryptionContextSubset"},
}

// plannedGrant takes a grant of a plan, which knows fewer things than one that
// exists.
func (r *reader) plannedGrant(address string, values *node) {
	if !values.isObject() {
		return
	}
	grant := objectAt(values)
	for _, m := range grantMembers {
		if v := values.get(m.attribute); v != nil && v.kind != nullNode {
			grant.set(m.member, v)
		}
	}
	if c := values.get("constraints"); c.isList() && len(c.items) > 0 {
		constraints := objectAt(c.items[0])
		for _, m := range constraintMembers {
			if v := c.items[0].get(m.attribute); v.isObject() && len(v.fields) > 0 {
				constraints.set(m.member, v)
			}
		}
		grant.set("Constraints", constraints)
	}
	r.put(Policy{Grants: true, Name: address, Generated: true}, grantList(values, grant), nil)
}

// objectAt is an object without members that stands where v does.
func objectAt(v *node) *node { return &node{kind: objectNode, start: v.start, end: v.end, yaml: true} }

// set gives an object a member whose name is not in the file.
func (n *node) set(name string, v *node) {
	n.fields = append(n.fields, field{synthetic(name, v), v})
}

// grantList is what ListGrants answers about grants.
func grantList(at *node, grants ...*node) *node {
	list := objectAt(at)
	list.set("Grants", &node{kind: listNode, items: grants, start: at.start, end: at.end, yaml: true})
	return list
}
