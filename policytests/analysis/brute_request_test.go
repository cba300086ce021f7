package analysis

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/keyreeve/keyreeve/engine/decision"
	"github.com/keyreeve/keyreeve/rego/policy"
)

// A person is a caller that owes nothing to the analysis: made from what policies
// say and from chance, with the condition keys that such a caller has.
type person struct {
	decision.Principal
	keys    map[string][]string
	outside bool
}

// fill is a text that an operand may be meant for.
func (g generator) fill(v policy.Value, keys map[string][]string) string {
	var b strings.Builder
	for _, part := range v.Parts {
		switch part.Kind {
		case policy.Literal:
			b.WriteString(part.Text)
		case policy.AnyText:
			b.WriteString(pick(g, "", "x", "0", "admin", "r-ab12/", "eng/bob", "3333222211"))
		case policy.AnyChar:
			b.WriteString(pick(g, "a", "1", "-"))
		case policy.Variable:
			b.WriteString(append(slices.Clone(keys[part.Text]), part.Default)[0])
		}
	}
	if g.IntN(10) == 0 {
		return pick(g, strings.ToUpper(b.String()), b.String()+"x", "other", "")
	}
	return b.String()
}

// operandsOn are the values that conditions on a key, or on keys with a prefix,
// compare with.
func operandsOn(d *policy.Document, prefixes ...string) (all []policy.Value) {
	for i := range d.Statements {
		for j := range d.Statements[i].Conditions {
			if c := &d.Statements[i].Conditions[j]; slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(c.Key, p) }) {
				all = append(all, c.Values...)
			}
		}
	}
	return all
}

// like is a text near the operands on some keys, or one of others.
func (g generator) like(d *policy.Document, keys map[string][]string, others []string, prefixes ...string) string {
	if on := operandsOn(d, prefixes...); len(on) > 0 && g.IntN(4) > 0 {
		return g.fill(pick(g, on...), keys)
	}
	return pick(g, others...)
}

func (g generator) account(d *policy.Document) string {
	text := g.like(d, nil, []string{bruteOwn, bruteOwn, bruteNamed, "333322221111", "000000000007", "999999999999"}, "kms:calleraccount", "aws:principalaccount")
	if !accountForm.MatchString(text) {
		text = pick(g, bruteOwn, "3"+strings.Repeat(fmt.Sprint(g.IntN(10)), 11), strings.Repeat("4", 11)+"7")
	}
	return text
}

// person draws a caller.
func (g generator) person(d *policy.Document) person {
	account := g.account(d)
	name, kind := pick(g, "bob", "eve", "admin", "guest", account), pick(g, "user", "user", "role", "role", "role", "root", "federated-user", "service")
	path := pick(g, "/", "/", "/eng/", "/a/b/")
	if text := g.like(d, map[string][]string{"aws:username": {name}, "kms:encryptioncontext:dept": {account}}, []string{""}, "aws:principalarn"); text != "" && kind != "service" {
		parts := strings.SplitN(text, ":", 6)
		if len(parts) == 6 && accountForm.MatchString(strings.ReplaceAll(parts[4], "x", "3")) {
			account = strings.ReplaceAll(parts[4], "x", "3")
			k, rest, _ := strings.Cut(parts[5], "/")
			if i := strings.LastIndexByte(rest, '/') + 1; nameForm.MatchString(rest[i:]) && iamPathForm.MatchString("/"+rest[:i]) {
				kind, path, name = k, "/"+rest[:i], rest[i:]
			}
		}
	}
	if text := g.like(d, nil, []string{name}, "aws:username"); kind == "user" && nameForm.MatchString(text) {
		name = text
	}
	p := person{keys: map[string][]string{}, outside: kind != "service" && account != bruteOwn && !strings.Contains(d.Text, account)}
	p.Account = account
	p.set("aws:principalisawsservice", "false")
	g.become(&p, d, kind, path, name)
	if kind != "service" {
		p.set("aws:principalaccount", account)
		p.set("kms:calleraccount", account)
		g.organization(&p, d)
	}
	return p
}

func (p *person) set(key string, values ...string) {
	if p.keys[key] = values; len(values) == 0 {
		delete(p.keys, key)
	}
}

func (g generator) become(p *person, d *policy.Document, kind, path, name string) {
	iam := "arn:aws:iam::" + p.Account + ":"
	tags := func() {
		for _, tag := range []string{"dept", "team"} {
			if g.IntN(2) == 0 {
				p.set(principalTag+tag, g.like(d, map[string][]string{"aws:username": {name}}, []string{"finance", "red", "5"}, principalTag+tag))
			}
		}
	}
	switch kind {
	case "user":
		p.Type, p.User = decision.User, iam+"user"+path+name
		p.ARN = p.User
		p.set("aws:principaltype", "User")
		p.set("aws:username", name)
		p.set("aws:userid", "AIDAABCDEFGHIJKLMNOPQ")
		tags()
	case "role":
		p.Type, p.Role = decision.Role, iam+"role"+path+name
		p.ARN, p.Session = p.Role, "arn:aws:sts::"+p.Account+":assumed-role/"+name+"/session"
		p.set("aws:principaltype", "AssumedRole")
		p.set("aws:userid", "AROAABCDEFGHIJKLMNOPQ:"+pick(g, "session", "bob", "guest1"))
		tags()
		g.began(p, d)
	case "federated-user":
		p.Type, p.ARN = decision.Federated, "arn:aws:sts::"+p.Account+":federated-user/"+name
		p.Session = p.ARN
		p.set("aws:principaltype", "FederatedUser")
		p.set("aws:userid", p.Account+":"+name)
		tags()
	case "service":
		host := pick(g, "logs", "s3", "l0")
		p.Type, p.Account, p.ARN = decision.Service, "", host+".amazonaws.com"
		p.Services = []string{p.ARN, host + ".us-east-1.amazonaws.com"}
		p.set("aws:principaltype", "Service")
		p.set("aws:principalisawsservice", "true")
		p.set("aws:principalservicename", p.ARN)
		p.set("aws:principalservicenameslist", p.Services...)
		p.set("aws:userid", p.ARN)
	default:
		p.Type, p.ARN = decision.Root, iam+"root"
		p.set("aws:principaltype", "Account")
		p.set("aws:userid", p.Account)
	}
	p.set("aws:principalarn", p.ARN)
}

// began says how a role session began.
func (g generator) began(p *person, d *policy.Document) {
	if g.IntN(3) == 0 {
		p.set("aws:sourceidentity", g.like(d, nil, []string{"bob"}, "aws:sourceidentity"))
		if !nameForm.MatchString(p.keys["aws:sourceidentity"][0]) {
			p.set("aws:sourceidentity")
		}
	}
	if g.IntN(2) == 0 {
		return
	}
	p.Type = decision.WebIdentity
	p.Provider = pick(g, "accounts.google.com", "arn:aws:iam::"+p.Account+":oidc-provider/accounts.google.com", "www.amazon.com")
	p.set("aws:federatedprovider", p.Provider)
	if whom := g.like(d, p.keys, []string{"1234"}, "accounts.google.com:sub"); whom != "" && p.Provider != "www.amazon.com" && g.IntN(4) > 0 {
		p.set("accounts.google.com:sub", whom)
	}
}

func (g generator) organization(p *person, d *policy.Document) {
	org, rest, _ := strings.Cut(g.like(d, nil, []string{"", "o-exampleorg", "o-elsewhere0"}, "aws:principalorg"), "/")
	if !pathForm.matches(org+"/r-ab12/") || p.outside && strings.Contains(d.Text, org) {
		return
	}
	place := org + "/" + rest
	if !pathForm.matches(place) {
		place = org + "/r-ab12/" + pick(g, "", "ou-ab12-11111111/")
	}
	p.set("aws:principalorgid", org)
	p.set("aws:principalorgpaths", place)
}

// ask draws a request of a person: what policies ask for, and other things.
func (g generator) ask(p person, action string, d *policy.Document) decision.Question {
	row, _ := policy.ActionNamed(action)
	q := decision.Question{Rule: decision.KeyPolicy, Action: action, Principal: p.Principal, Context: maps.Clone(p.keys), CrossAccountPossible: row.CrossAccount,
		Resource: decision.Resource{ARN: pick(g, "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", "arn:aws:kms:us-east-1:111122223333:key/abc"), Account: bruteOwn}}
	r := brutalRequest{generator: g, q: &q, d: d, row: row}
	r.set("aws:resourceaccount", bruteOwn)
	r.set("aws:requestedregion", "us-east-1")
	r.set("aws:securetransport", pick(g, "true", "true", "false"))
	r.times()
	r.way()
	r.pairs()
	r.parameters()
	return q
}
