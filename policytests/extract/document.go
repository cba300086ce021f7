package extract

import (
	"bytes"
	"path"
	"strconv"
	"strings"

	"github.com/keyreeve/keyreeve/rego/policy"
)

// A reader looks for policies in one file.
type reader struct {
	source  *Source
	options Options
	found   *Found
	// asked: the file was named by whoever asks, and not found in a directory.
	asked bool
}

// put adds a policy that is written as the value v: an object, or a string
// that holds JSON. What needs no resolving passes nil.
func (r *reader) put(p Policy, v *node, resolve resolver) *Policy {
	p.File, p.source = r.source.Name, r.source
	if p.Account == "" {
		p.Account = r.options.Account
	}
	if p.Region == "" {
		p.Region = r.options.Region
	}
	if p.Partition == "" {
		p.Partition = r.options.Partition
	}
	p.document(v, resolve)
	r.found.Policies = append(r.found.Policies, &p)
	return &p
}

// fail notes that the part of the file at an offset could not be read.
func (r *reader) fail(offset int, message string) {
	r.found.Errors = append(r.found.Errors, r.source.fail(offset, message))
}

// isYAML tells whether a file is YAML by its name, or by its first character
// where it has none.
func isYAML(s *Source) bool {
	switch strings.ToLower(path.Ext(s.called())) {
	case ".yaml", ".yml":
		return true
	case ".json":
		return false
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(s.Text, []byte("\ufeff")))
	return len(text) > 0 && text[0] != '{' && text[0] != '['
}

// read finds the policies of the file.
func (r *reader) read() {
	kind, told := r.options.Kind, r.options.Kind != Kind{}
	if !told {
		kind, told = KindOfFile(r.source.called())
	}
	if name := encoding(r.source.Text); name != "" {
		if r.asked || told || bytes.Contains(bytes.ReplaceAll(r.source.Text, []byte{0}, nil), []byte("Statement")) {
			r.fail(0, "this is "+name+", and policies are UTF-8: save it as that")
		}
		return
	}
	documents, err := parse(r.source)
	switch {
	case err != nil && told && !isYAML(r.source):
		r.whole(kind) // the linter tells what is wrong with the text
	case err != nil:
		if r.asked || told || bytes.Contains(r.source.Text, []byte("Statement")) {
			r.found.Errors = append(r.found.Errors, err.(Error)) //nolint:errorlint // parse answers with nothing else
		}
	default:
		for _, d := range documents {
			r.document(d, kind, told)
		}
		if r.asked && r.found.empty() {
			r.fail(0, "no policy was found here; tell what it is with --kind, or by a name such as payroll.key.json")
		}
	}
}

// encoding names the Unicode encoding of a text that is not UTF-8; empty for
// one that may be. Without a byte order mark it is told by the zero bytes that
// the first character, which is of ASCII in JSON and YAML, has beside it.
func encoding(text []byte) string {
	if len(text) < 2 {
		return ""
	}
	switch {
	case bytes.HasPrefix(text, []byte{0xff, 0xfe, 0, 0}) || bytes.HasPrefix(text, []byte{0, 0, 0xfe, 0xff}) || bytes.HasPrefix(text, []byte{0, 0, 0}):
		return "UTF-32"
	case bytes.HasPrefix(text, []byte{0xff, 0xfe}) || bytes.HasPrefix(text, []byte{0xfe, 0xff}) || (text[0] == 0) != (text[1] == 0):
		return "UTF-16"
	}
	return ""
}

// parse reads a file as JSON or YAML. Errors are of type Error.
func parse(s *Source) ([]*node, error) {
	if isYAML(s) {
		return readYAML(s)
	}
	n, err := readJSON(s)
	if err != nil {
		return nil, err
	}
	return []*node{n}, nil
}

// whole takes the whole file as one policy, whatever it holds.
func (r *reader) whole(kind Kind) {
	r.put(Policy{Kind: kind.Policy, Grants: kind.Grants}, &node{end: len(r.source.Text), kind: objectNode}, nil)
}

// document finds the policies of one JSON or YAML document.
func (r *reader) document(n *node, kind Kind, told bool) {
	// In a policy of JSON the linter tells of names that stand twice.
	if n.yaml || isPlan(n) || isTemplate(n) || n.get("Policy") != nil || !told && !n.isPolicy() {
		if name := n.twice(map[*node]bool{}); name != nil {
			r.fail(name.start, strconv.Quote(name.text)+" stands twice in one object, and readers differ in which counts")
			return
		}
	}
	switch {
	case isPlan(n):
		r.plan(n)
	case isTemplate(n):
		r.template(n)
	case r.answer(n, kind, told):
	case n.isPolicy() || n.kind == stringNode && told && strings.HasPrefix(strings.TrimSpace(n.text), "{"):
		r.policy(n, kind, told)
	case kind.Grants && (n.isList() || n.isObject()):
		r.grants(n)
	case told && !n.yaml:
		r.whole(kind)
	case len(misnamed(n)) > 0:
		r.policy(n, kind, told) // the linter tells what is missing
	}
}

// policy takes a document that is the whole file, or a string in it as
// `--query Policy --output json` prints it.
func (r *reader) policy(n *node, kind Kind, told bool) {
	if !told {
		statements := n.get("Statement").elements()
		if !n.isPolicy() {
			statements = misnamed(n)
		}
		if kind, told = kindOfContent(statements); !told {
			if r.asked {
				r.fail(n.start, "this policy is about no action of kms; if it is of a kind that keyreeve knows, tell it with --kind")
			}
			return
		}
	}
	if kind.Grants {
		r.fail(n.start, "this is a policy and no list of grants")
		return
	}
	p := Policy{Kind: kind.Policy, Generated: n.kind == stringNode}
	if n.yaml || n.kind == stringNode {
		r.put(p, n, nil)
		return
	}
	// White space around the document is of the file, not of the policy, but
	// positions are simplest where the text is the file.
	r.put(p, &node{kind: objectNode, end: len(r.source.Text)}, nil)
}

// grants takes a list of grants: as ListGrants answers it, or its list alone.
func (r *reader) grants(n *node) {
	if n.isObject() && !isGrant(n) && !n.get("Grants").isList() {
		r.fail(n.start, "this is no grant and no list of grants")
		return
	}
	if n.isList() || isGrant(n) {
		list := n
		if !n.isList() {
			list = &node{kind: listNode, items: []*node{n}, start: n.start, end: n.end, yaml: n.yaml}
		}
		n = &node{kind: objectNode, start: n.start, end: n.end, yaml: true, fields: []field{{synthetic("Grants", n), list}}}
	}
	r.put(Policy{Grants: true, Generated: true}, n, nil)
}

// synthetic is a string that is not in the file, at the place of another value.
func synthetic(text string, at *node) *node {
	return &node{kind: stringNode, text: text, start: at.start, end: at.start}
}

// An answer is a place in what the AWS CLI prints where a policy stands.
type answer struct {
	has  []string // members that the output has besides
	at   []string
	kind policy.Kind
	name string // the member that names the policy
}

// answers are the outputs of get-key-policy, put-key-policy's input, and what
// iam and organizations print of one policy.
var answers = []answer{
	{has: []string{"PolicyName"}, at: []string{"Policy"}, kind: policy.Key},
	{has: []string{"KeyId"}, at: []string{"Policy"}, kind: policy.Key, name: "KeyId"},
	{has: []string{"KeySpec"}, at: []string{"Policy"}, kind: policy.Key},
	{at: []string{"PolicyVersion", "Document"}, kind: policy.Identity},
	{at: []string{"Role", "AssumeRolePolicyDocument"}, kind: policy.Trust},
	{has: []string{"RoleName", "PolicyName"}, at: []string{"PolicyDocument"}, kind: policy.Identity, name: "PolicyName"},
	{has: []string{"UserName", "PolicyName"}, at: []string{"PolicyDocument"}, kind: policy.Identity, name: "PolicyName"},
	{has: []string{"GroupName", "PolicyName"}, at: []string{"PolicyDocument"}, kind: policy.Identity, name: "PolicyName"},
}

// answer finds policies in what the AWS CLI prints, and tells whether n is
// such output. A kind that was told wins over what the output says, where the
// output is about one policy.
func (r *reader) answer(n *node, kind Kind, told bool) bool {
	if isGrantList(n) && (!told || kind.Grants) {
		r.grants(n)
		return true
	}
	for _, a := range answers {
		v := n.get(a.at...)
		if !v.isObject() && !v.isString() || !hasAll(n, a.has) {
			continue
		}
		p := Policy{Kind: a.kind, Generated: true, Name: n.get(a.name).str()}
		if told && !kind.Grants {
			p.Kind = kind.Policy
		}
		r.put(p, v, nil)
		return true
	}
	return r.organizationPolicy(n) || r.endpoints(n)
}

func hasAll(n *node, names []string) bool {
	for _, name := range names {
		if n.get(name) == nil {
			return false
		}
	}
	return true
}

// guardrails are the types of an organization's policies that decide calls.
var guardrails = map[string]policy.Kind{"SERVICE_CONTROL_POLICY": policy.SCP, "RESOURCE_CONTROL_POLICY": policy.RCP}

// organizationPolicy takes what `aws organizations describe-policy` prints.
func (r *reader) organizationPolicy(n *node) bool {
	summary, content := n.get("Policy", "PolicySummary"), n.get("Policy", "Content")
	kind, ok := guardrails[summary.get("Type").str()]
	if !ok || !content.isString() {
		return false
	}
	r.put(Policy{Kind: kind, Name: summary.get("Name").str(), Generated: true}, content, nil)
	return true
}

// endpoints takes what `aws ec2 describe-vpc-endpoints` prints.
func (r *reader) endpoints(n *node) bool {
	list := n.get("VpcEndpoints")
	if !list.isList() {
		return false
	}
	for _, e := range list.items {
		if d := e.get("PolicyDocument"); d.isString() && strings.Contains(e.get("ServiceName").str(), "kms") {
			r.put(Policy{Kind: policy.Endpoint, Name: e.get("VpcEndpointId").str(), Generated: true}, d, nil)
		}
	}
	return true
}
