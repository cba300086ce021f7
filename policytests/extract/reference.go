package extract

import "strings"

// ref is what {"Ref": name} stands for.
func (t *template) ref(name string, at *node) (*node, string) {
	if strings.HasPrefix(name, "AWS::") {
		return t.pseudo(name, at)
	}
	if p := t.root.get("Parameters", name); p != nil {
		return t.parameter(name, p, at)
	}
	kind := t.root.get("Resources", name, "Type").str()
	switch kind {
	case "AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group":
		return scalarAt(t.principalName(name, kind), at), ""
	case "AWS::IAM::ManagedPolicy":
		return scalarAt(t.iam("policy", "/", t.named(name, "ManagedPolicyName")), at), ""
	case "AWS::KMS::Key", "AWS::KMS::ReplicaKey":
		t.note("the id of the key %s is made at deployment; here it is %s", name, keyID(name))
		return scalarAt(keyID(name), at), ""
	case "AWS::KMS::Alias":
		if alias := t.string(t.root.get("Resources", name, "Properties", "AliasName")); alias != "" {
			return scalarAt(alias, at), ""
		}
	case "":
		return nil, "there is no parameter and no resource " + name + " in the template"
	}
	return nil, "what " + name + " (" + kind + ") will be called is known at deployment only"
}

// attribute is what Fn::GetAtt stands for: "Role.Arn" or ["Role", "Arn"].
func (t *template) attribute(arg, at *node) (*node, string) {
	name, attribute, _ := strings.Cut(arg.str(), ".")
	if arg.isList() && len(arg.items) == 2 {
		name, attribute = arg.items[0].str(), arg.items[1].str()
	}
	kind := t.root.get("Resources", name, "Type").str()
	path := orDefault(t.string(t.root.get("Resources", name, "Properties", "Path")), "/")
	switch kind + "." + attribute {
	case "AWS::IAM::Role.Arn", "AWS::IAM::User.Arn", "AWS::IAM::Group.Arn":
		what := strings.ToLower(strings.TrimPrefix(kind, "AWS::IAM::"))
		return scalarAt(t.iam(what, path, t.principalName(name, kind)), at), ""
	case "AWS::KMS::Key.Arn", "AWS::KMS::ReplicaKey.Arn":
		t.note("the id of the key %s is made at deployment; here it is %s", name, keyID(name))
		return scalarAt("arn:"+t.partition()+":kms:"+t.region()+":"+t.account()+":key/"+keyID(name), at), ""
	case "AWS::KMS::Key.KeyId":
		return t.ref(name, at)
	case ".":
		return nil, "Fn::GetAtt names no resource"
	}
	return nil, "the attribute " + attribute + " of " + name + " is known at deployment only"
}

// named is a name that a property gives a resource, or the resource's own in
// the template.
func (t *template) named(resource, property string) string {
	if name := t.string(t.root.get("Resources", resource, "Properties", property)); name != "" {
		return name
	}
	t.note("the name of %s is made at deployment; here it is %s", resource, resource)
	return resource
}

func (t *template) principalName(resource, kind string) string {
	return t.named(resource, strings.TrimPrefix(kind, "AWS::IAM::")+"Name")
}

func (t *template) iam(what, path, name string) string {
	return "arn:" + t.partition() + ":iam::" + t.account() + ":" + what + path + name
}

// pseudo is what a pseudo parameter stands for.
func (t *template) pseudo(name string, at *node) (*node, string) {
	switch name {
	case "AWS::NoValue":
		return nil, ""
	case "AWS::AccountId":
		return scalarAt(t.account(), at), ""
	case "AWS::Region":
		return scalarAt(t.region(), at), ""
	case "AWS::Partition":
		return scalarAt(t.partition(), at), ""
	case "AWS::URLSuffix":
		if t.partition() == "aws-cn" {
			return scalarAt("amazonaws.com.cn", at), ""
		}
		return scalarAt("amazonaws.com", at), ""
	}
	return nil, name + " is known at deployment only"
}

func (t *template) account() string {
	if t.options.Account != "" {
		return t.options.Account
	}
	t.ownAccount = true
	t.note("AWS::AccountId stands for %s; --account says which account it is", standInAccount)
	return standInAccount
}

func (t *template) region() string {
	if t.options.Region != "" {
		return t.options.Region
	}
	t.note("AWS::Region stands for %s; --region says which Region it is", standInRegion)
	return standInRegion
}

func (t *template) partition() string { return orDefault(t.options.Partition, "aws") }

// parameter is the default of a parameter.
func (t *template) parameter(name string, p, at *node) (*node, string) {
	value, kind := p.get("Default"), p.get("Type").str()
	if value == nil || strings.HasPrefix(kind, "AWS::SSM::") {
		return nil, "the parameter " + name + " has no default in the template"
	}
	t.note("the parameter %s has its default, %q", name, value.text)
	if kind == "CommaDelimitedList" || strings.HasPrefix(kind, "List<") {
		return listAt(strings.Split(value.text, ","), at), ""
	}
	return scalarAt(value.text, at), ""
}
