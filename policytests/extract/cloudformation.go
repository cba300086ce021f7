package extract

import (
	"strconv"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// isTemplate tells whether a document is a CloudFormation template.
func isTemplate(n *node) bool {
	resources := n.get("Resources")
	if !resources.isObject() {
		return false
	}
	if n.get("AWSTemplateFormatVersion") != nil {
		return true
	}
	for _, f := range resources.fields {
		if strings.Contains(f.value.get("Type").str(), "::") {
			return true
		}
	}
	return false
}

// A property of a resource type holds a policy: itself, or in the member
// element of each item of a list.
type property struct {
	name, element string
	kind          policy.Kind
}

var inlinePolicies = property{name: "Policies", element: "PolicyDocument", kind: policy.Identity}

// properties of the resource types that hold policies.
var properties = map[string][]property{
	"AWS::KMS::Key":              {{name: "KeyPolicy", kind: policy.Key}},
	"AWS::KMS::ReplicaKey":       {{name: "KeyPolicy", kind: policy.Key}},
	"AWS::IAM::Policy":           {{name: "PolicyDocument", kind: policy.Identity}},
	"AWS::IAM::ManagedPolicy":    {{name: "PolicyDocument", kind: policy.Identity}},
	"AWS::IAM::UserPolicy":       {{name: "PolicyDocument", kind: policy.Identity}},
	"AWS::IAM::GroupPolicy":      {{name: "PolicyDocument", kind: policy.Identity}},
	"AWS::IAM::RolePolicy":       {{name: "PolicyDocument", kind: policy.Identity}},
	"AWS::IAM::User":             {inlinePolicies},
	"AWS::IAM::Group":            {inlinePolicies},
	"AWS::IAM::Role":             {{name: "AssumeRolePolicyDocument", kind: policy.Trust}, inlinePolicies},
	"AWS::EC2::VPCEndpoint":      {{name: "PolicyDocument", kind: policy.Endpoint}},
	"AWS::SSO::PermissionSet":    {{name: "InlinePolicy", kind: policy.Identity}},
	"AWS::Organizations::Policy": {{name: "Content"}},
}

// template finds the policies of a CloudFormation template.
func (r *reader) template(n *node) {
	for _, f := range n.get("Resources").fields {
		if strings.HasPrefix(f.name.text, "Fn::") {
			r.unsettled(f.name.start, f.name.text+" makes resources that are known at deployment only")
			continue
		}
		kind, values := f.value.get("Type").str(), f.value.get("Properties")
		for _, p := range properties[kind] {
			r.property(n, f.name.text, kind, p, values)
		}
	}
}

func (r *reader) property(root *node, resource, kind string, p property, values *node) {
	v := values.get(p.name)
	if v == nil || v.kind == nullNode {
		return
	}
	t := &template{root: root, options: r.options}
	switch kind {
	case "AWS::Organizations::Policy":
		var ok bool
		if p.kind, ok = guardrails[orDefault(t.string(values.get("Type")), "SERVICE_CONTROL_POLICY")]; !ok {
			return
		}
	case "AWS::EC2::VPCEndpoint":
		if name, unknown := t.text(values.get("ServiceName")); unknown == "" && !strings.Contains(name, "kms") {
			return
		}
	}
	found := Policy{Kind: p.kind, Name: "Resources." + resource + ".Properties." + p.name}
	if p.kind == policy.Key {
		found.Key = KeyFacts{Spec: t.string(values.get("KeySpec")), Usage: t.string(values.get("KeyUsage")), MultiRegion: values.get("MultiRegion").isTrue()}
	}
	if p.element == "" {
		r.resolved(t, found, v)
		return
	}
	for i, e := range v.elements() {
		if d := e.get(p.element); d != nil {
			found.Name = "Resources." + resource + ".Properties." + p.name + "[" + strconv.Itoa(i) + "]." + p.element
			r.resolved(t, found, d)
		}
	}
}

// resolved puts a policy with its functions resolved as far as they can be.
func (r *reader) resolved(t *template, found Policy, v *node) {
	value, unknown := t.resolve(v, nil)
	switch {
	case value == nil && unknown == "": // AWS::NoValue
		return
	case unknown != "" || !value.isObject() && !value.isString():
		r.unsettled(v.start, found.Name+": "+orDefault(unknown, "this is no policy but "+v.describe()))
		return
	}
	t.notes = nil
	p := r.put(found, value, t.resolve)
	p.Notes = t.notes
	if t.ownAccount && p.Account == "" {
		p.Account = standInAccount
	}
}

// unsettled notes a policy, at an offset of the file, that only a deployment
// decides.
func (r *reader) unsettled(offset int, message string) {
	r.found.Unsettled = append(r.found.Unsettled, r.source.fail(offset, message))
}
