// Package schema describes policies of each kind as JSON Schema, for editors.
package schema

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// Base is where the ids of schemas begin. Nothing is fetched from there.
const Base = "https://keyreeve.dev/schema/"

// Of is the JSON Schema (draft 2020-12) of policies of kind k, indented. It
// takes every document that policy.Parse takes, and refuses what a schema can:
// unknown elements and operators, values of the wrong JSON type, elements that
// lack. Actions, condition keys and operators are those of package policy, so
// that editors offer them; others are taken where Parse takes them.
func Of(k policy.Kind) ([]byte, error) {
	form, ok := forms[k]
	if !ok {
		return nil, fmt.Errorf("there is no schema of policies of kind %d", int(k))
	}
	text, err := json.MarshalIndent(form.document(k), "", "  ")
	return append(text, '\n'), err
}

// An object of a schema.
type object = map[string]any

// A form says which elements the statements of a kind have beside Sid, Effect
// and Condition.
type form struct {
	title string
	// one of these must be there, of each group.
	required [][]string
	// optional elements; of two names of one group at most one.
	optional [][]string
	// sid is the pattern of Sids, empty for any.
	sid string
	// version must be written, and is that of today.
	version bool
}

const plainSid = "^[A-Za-z0-9]*$"

var (
	principals = []string{"Principal", "NotPrincipal"}
	actions    = []string{"Action", "NotAction"}
	resources  = []string{"Resource", "NotResource"}
)

// forms are what the table of package policy says; the test holds them to it.
var forms = map[policy.Kind]form{
	policy.Key:      {title: "Key policy", required: [][]string{principals, actions}, optional: [][]string{resources}},
	policy.Identity: {title: "IAM policy", required: [][]string{actions, resources}, sid: plainSid},
	policy.Boundary: {title: "Permissions boundary", required: [][]string{actions, resources}, sid: plainSid},
	policy.Session:  {title: "Session policy", required: [][]string{actions, resources}, sid: plainSid},
	policy.SCP:      {title: "Service control policy", required: [][]string{actions, resources}, version: true},
	policy.RCP:      {title: "Resource control policy", required: [][]string{{"Principal"}, {"Action"}, resources}, version: true},
	policy.Endpoint: {title: "VPC endpoint policy", required: [][]string{principals, actions, resources}},
	policy.Trust:    {title: "Role trust policy", required: [][]string{{"Principal"}, {"Action"}}, sid: plainSid},
}

func ref(name string) object { return object{"$ref": "#/$defs/" + name} }

// document is the schema of a whole policy.
func (f form) document(k policy.Kind) object {
	version := object{"enum": []string{policy.Version2012, policy.Version2008}, "description": "Of the policy language. Without 2012-10-17, ${…} is plain text."}
	required := []string{"Statement"}
	if f.version {
		version, required = object{"const": policy.Version2012}, append(required, "Version")
	}
	return object{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": Base + k.String() + "-policy.json",
		"title": f.title, "type": "object", "additionalProperties": false, "required": required,
		"properties": object{"Version": version, "Id": object{"type": "string"}, "Statement": listOf(ref("statement"), false)},
		"$defs":      f.definitions(k),
	}
}

// listOf is one value, or a list of them.
func listOf(one object, some bool) object {
	list := object{"type": "array", "items": one}
	if some {
		list["minItems"] = 1
	}
	return object{"anyOf": []any{one, list}}
}

func (f form) definitions(k policy.Kind) object {
	defs := object{
		"statement": f.statement(k), "action": action(k), "resource": object{"type": "string", "pattern": `^(\*+|arn:.*)$`,
			"description": `An ARN, in which * and ? are patterns, or "*"; in a key policy "*" is the key.`},
		"condition": conditions(),
	}
	if k.HasPrincipal() {
		defs["principal"] = principal(k)
	}
	for _, t := range valueTypes() {
		defs["values-"+word(t)] = values(t, false)
		defs["values-not-"+word(t)] = values(t, true)
		defs["keys-"+word(t)] = keys(t, "values-"+word(t))
		defs["keys-not-"+word(t)] = keys(t, "values-not-"+word(t))
	}
	return defs
}

var descriptions = map[string]string{
	"Sid": "Name of the statement.", "Effect": "A Deny that applies wins over everything that allows.",
	"Principal": "Whom the statement is about.", "NotPrincipal": "Everybody but these.",
	"Action": "What the statement is about; * and ? are patterns.", "NotAction": "Everything but these actions.",
	"Resource": "What the actions are done to.", "NotResource": "Everything but these resources.",
	"Condition": "All operators must hold, under each all keys, and of each key one value.",
}

func (f form) statement(k policy.Kind) object {
	elements := object{"Sid": object{"type": "string"}, "Effect": object{"enum": []string{"Allow", "Deny"}}, "Condition": ref("condition")}
	if f.sid != "" {
		elements["Sid"] = object{"type": "string", "pattern": f.sid}
	}
	var all []any
	for _, names := range append(slices.Clone(f.required), f.optional...) {
		for _, name := range names {
			elements[name] = element(name)
		}
	}
	for _, names := range f.required {
		if len(names) == 1 {
			all = append(all, object{"required": names})
			continue
		}
		all = append(all, object{"oneOf": []any{object{"required": names[:1]}, object{"required": names[1:]}}})
	}
	for _, names := range f.optional {
		all = append(all, object{"not": object{"required": names}})
	}
	for name, e := range elements {
		e.(object)["description"] = descriptions[name]
	}
	return object{"type": "object", "additionalProperties": false, "required": []string{"Effect"}, "properties": elements, "allOf": all}
}

// element is the schema of a list that a statement has. An empty list is
// refused where it would mean everything.
func element(name string) object {
	kind, negated := strings.CutPrefix(name, "Not")
	if kind == "Principal" {
		return ref("principal")
	}
	return listOf(ref(strings.ToLower(kind)), negated)
}

// action is the schema of an action: those of the table for editors to offer,
// and what else is taken.
func action(k policy.Kind) object {
	var known []string
	service := "kms:"
	if k == policy.Trust {
		service = "sts:"
	}
	for _, a := range policy.Actions {
		if strings.HasPrefix(a.Name, service) && (k != policy.Trust || a.On(policy.RoleResource)) {
			known = append(known, a.Name)
		}
	}
	return object{"anyOf": []any{object{"enum": append(known, service+"*")}, object{"type": "string", "pattern": `^(\*|[^:]*:.*)$`}}}
}

func principal(k policy.Kind) object {
	if k == policy.RCP {
		return object{"anyOf": []any{object{"const": "*"}, object{"type": "object"}}}
	}
	names := listOf(object{"type": "string"}, false)
	return object{"anyOf": []any{object{"const": "*"}, object{"type": "object", "additionalProperties": false,
		"properties": object{"AWS": names, "Service": names, "Federated": names, "CanonicalUser": names}}}}
}
