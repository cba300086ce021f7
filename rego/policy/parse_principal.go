package policy

import (
	"regexp"
	"strings"
)

func (p *parser) principals(s *Statement, f *field, pos Pos) {
	s.NotPrincipal = f.name == "NotPrincipal"
	s.Principals = []Principal{}
	before := len(p.faults.all)
	switch n := f.value; {
	case n.kind == stringNode && n.text == "*":
		s.Principals = []Principal{{Type: Everyone, Text: "*", Pos: n.at.pos(pos.Path)}}
	case n.kind != objectNode:
		p.faults.add(CodePrincipalFormat, n.at.pos(pos.Path), `the %s is "*" or an object such as {"AWS": …}`, f.name)
	default:
		for i := range n.fields {
			p.principalList(s, &n.fields[i], pos.Path)
		}
	}
	if s.NotPrincipal && len(s.Principals) == 0 && len(p.faults.all) == before {
		p.faults.add(CodeEmptyNegation, pos, "NotPrincipal names nobody, which would match everybody")
	}
}

func (p *parser) principalList(s *Statement, f *field, path string) {
	path = child(path, f.name)
	read, ok := principalForms[f.name]
	if !ok {
		p.faults.add(CodePrincipalKey, f.at.pos(path), "a principal is AWS, Service, Federated or CanonicalUser, not %q", brief(f.name))
		return
	}
	p.each(f.value, path, func(n node, path string) {
		text, ok := p.str(n, path)
		if !ok {
			return
		}
		pr, code, fault := read(text)
		pr.Text, pr.Pos = text, n.at.pos(path)
		if fault != "" {
			p.faults.add(code, pr.Pos, "%s", fault)
			return
		}
		s.Principals = append(s.Principals, pr)
	})
}

// principalForms read the entries under each key of a Principal.
var principalForms = map[string]func(text string) (Principal, Code, string){
	"AWS":           awsPrincipal,
	"Service":       servicePrincipal,
	"Federated":     federatedPrincipal,
	"CanonicalUser": canonicalPrincipal,
}

var (
	accountID   = regexp.MustCompile(`^[0-9]{12}$`)
	uniqueID    = regexp.MustCompile(`^A[A-Z]{3}[A-Z0-9]{12,124}$`)
	serviceName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+$`)
	canonicalID = regexp.MustCompile(`^[0-9a-f]{64}$`)
	iamName     = regexp.MustCompile(`^[A-Za-z0-9_+=,.@-]{1,64}$`)
	sessionName = regexp.MustCompile(`^[A-Za-z0-9_+=,.@-]{2,64}$`)
	iamPath     = regexp.MustCompile(`^([\x21-\x7E]+/)?$`)
	samlName    = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)
)

// Partitions of AWS that an ARN may name.
var Partitions = []string{"aws", "aws-cn", "aws-us-gov"}

func awsPrincipal(text string) (Principal, Code, string) {
	switch {
	case text == "*":
		return Principal{Type: Everyone}, "", ""
	case accountID.MatchString(text):
		return Principal{Type: Account, Account: text}, "", ""
	case strings.Contains(text, "${"):
		return Principal{}, CodeVariableElement, "a principal has no policy variables"
	case strings.ContainsAny(text, "*?"):
		return Principal{}, CodePrincipalWildcard, "a principal has no wildcards; * stands alone"
	case uniqueID.MatchString(text):
		return removedPrincipal(text)
	}
	return arnPrincipal(text)
}

// removedPrincipal refuses the unique id that AWS shows in the place of a
// principal that was deleted.
func removedPrincipal(text string) (Principal, Code, string) {
	if strings.HasPrefix(text, "AROA") {
		return Principal{}, CodeRoleReference, "a role that was deleted is no principal"
	}
	return Principal{}, CodeUserReference, "a user that was deleted is no principal"
}

func arnPrincipal(text string) (Principal, Code, string) {
	a, ok := splitARN(text)
	if !ok {
		return Principal{}, CodePrincipalFormat, "a principal is an ARN of iam or sts, an account id, or *"
	}
	pr := Principal{Account: a.account}
	if code, fault := a.fault(); fault != "" {
		return pr, code, fault
	}
	kind, name, _ := strings.Cut(a.resource, "/")
	switch {
	case a.service == "iam" && a.resource == "root":
		pr.Type = Account
	case a.service == "iam" && kind == "user" && namedPath(name):
		pr.Type = User
	case a.service == "iam" && kind == "role" && namedPath(name):
		pr.Type = Role
	case a.service == "sts" && kind == "assumed-role" && sessionOf(name):
		pr.Type = RoleSession
	case a.service == "sts" && kind == "federated-user" && sessionName.MatchString(name):
		pr.Type = FederatedUser
	case a.service == "iam" && kind == "group":
		return pr, CodePrincipalFormat, "a group is no principal"
	default:
		return pr, CodePrincipalFormat, "a principal is a user, role, account root, role session or federated user"
	}
	return pr, "", ""
}

// namedPath tells "Name" and "path/to/Name".
func namedPath(text string) bool {
	cut := strings.LastIndexByte(text, '/') + 1
	return iamName.MatchString(text[cut:]) && len(text[:cut]) < 512 && iamPath.MatchString(text[:cut])
}

func sessionOf(text string) bool {
	role, session, ok := strings.Cut(text, "/")
	return ok && iamName.MatchString(role) && sessionName.MatchString(session)
}

// arn is an ARN in its parts.
type arn struct{ partition, service, region, account, resource string }

func splitARN(text string) (arn, bool) {
	f := strings.SplitN(text, ":", 6)
	if len(f) < 6 || f[0] != "arn" {
		return arn{}, false
	}
	return arn{f[1], f[2], f[3], f[4], f[5]}, true
}

// fault tells what is wrong with the first parts of a principal's ARN.
func (a arn) fault() (Code, string) {
	switch {
	case a.partition != "aws" && a.partition != "aws-cn" && a.partition != "aws-us-gov":
		return CodePartition, "the partition of an ARN is aws, aws-cn or aws-us-gov"
	case !accountID.MatchString(a.account):
		return CodeARNAccount, "the account of an ARN has twelve digits"
	case a.region != "":
		return CodePrincipalFormat, "the ARN of a principal has no Region"
	default:
		return "", ""
	}
}

func servicePrincipal(text string) (Principal, Code, string) {
	if !serviceName.MatchString(text) {
		return Principal{}, CodeServicePrincipal, "a service principal is a name such as cloudtrail.amazonaws.com, in lower case"
	}
	return Principal{Type: Service}, "", ""
}

// federatedPrincipal takes the ARN of a SAML or OIDC provider, or the host
// name of one of the built-in providers.
func federatedPrincipal(text string) (Principal, Code, string) {
	pr := Principal{Type: Federated}
	if serviceName.MatchString(text) {
		return pr, "", ""
	}
	a, ok := splitARN(text)
	if !ok {
		return pr, CodePrincipalFormat, "a federated principal is the ARN of a provider or its host name"
	}
	if code, fault := a.fault(); fault != "" {
		return pr, code, fault
	}
	pr.Account = a.account
	kind, name, _ := strings.Cut(a.resource, "/")
	host, _, _ := strings.Cut(name, "/")
	saml := kind == "saml-provider" && samlName.MatchString(name)
	oidc := kind == "oidc-provider" && serviceName.MatchString(host) && !strings.ContainsAny(name, "*?")
	if a.service != "iam" || !saml && !oidc {
		return pr, CodePrincipalFormat, "a federated principal is a saml-provider or an oidc-provider"
	}
	return pr, "", ""
}

func canonicalPrincipal(text string) (Principal, Code, string) {
	if !canonicalID.MatchString(text) {
		return Principal{}, CodePrincipalFormat, "a canonical user id has 64 hexadecimal digits"
	}
	return Principal{Type: CanonicalUser}, "", ""
}
